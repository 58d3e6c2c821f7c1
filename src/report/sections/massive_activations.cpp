#include "spikesink/measure/spikes/massive_activations.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

json section(const MassiveChannel& channel) {
  return {{"channel", channel.channel},
          {"mean", channel.all.mean},
          {"count", channel.all.count},
          {"standard_deviation", channel.all.standard_deviation()},
          {"largest", channel.largest},
          {"mean_at_start", mean_or_null(channel.at_start)},
          {"count_at_start", channel.at_start.count},
          {"mean_elsewhere", mean_or_null(channel.elsewhere)},
          {"count_elsewhere", channel.elsewhere.count}};
}

json section(const MassiveActivationsBlock& block, const Tokenizer* tokenizer) {
  json entry = block_entry(block.block);
  entry["token_count"] = block.token_count;
  for (const auto& channel : block.channels) entry["channels"].push_back(section(channel));
  entry["tokens"] = first_of(block.tokens, kMostTokens, [&](const auto& token) {
    auto row = token_entry(token.id, tokenizer);
    row["at_start"] = token.at_start;
    row["count"] = token.count;
    return row;
  });
  for (const auto& [position, count] : block.positions) {
    entry["positions"].push_back({{"position", position}, {"count", count}});
  }
  entry["ratios"] = json::array();
  for (const auto& ratio : block.ratios) entry["ratios"].push_back(ratio_entry(ratio));
  return entry;
}

}  // namespace

void add_section(const MassiveActivationsResult& result, ReportDocument& report) {
  const auto* tokenizer = report.tokenizer.get();
  json blocks = json::array();
  for (const auto& block : result.blocks) blocks.push_back(section(block, tokenizer));
  const json fields = {
      {"definition",
       "|x| > least_magnitude and |x| >= least_ratio x the median of |h| over the hidden state "
       "of the same sequence, spike tokens included; the median is the lower middle element "
       "(arXiv 2402.17762). Means are signed."},
      {"options",
       {{"least_magnitude", result.options.least_magnitude},
        {"least_ratio", result.options.least_ratio}}},
      {"channels", result.channels()},
      {"blocks", blocks}};
  report.json["massive_activations"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const MassiveActivationsResult&);
}  // namespace spikesink
