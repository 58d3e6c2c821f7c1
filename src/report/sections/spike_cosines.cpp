#include "spikesink/measure/spikes/spike_cosines.h"

#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

json cosines_entry(const PairwiseCosines& cosines) {
  json matrix = json::array();
  for (const auto& row : cosines.matrix) {
    json entries = json::array();
    for (const double cosine : row) entries.push_back(digits(cosine));
    matrix.push_back(entries);
  }
  return {{"matrix", matrix},
          {"minimum", number(cosines.minimum)},
          {"percentile_5", number(cosines.percentile_5)},
          {"median", number(cosines.median)},
          {"percentile_95", number(cosines.percentile_95)},
          {"maximum", number(cosines.maximum)}};
}

json group_entry(const SpikeCosinesGroup& group, const Tokenizer* tokenizer) {
  json tokens = json::array();
  for (const auto& [token, id] : group.tokens) {
    auto entry = token_entry(id, tokenizer);
    entry["sequence"] = token.sequence;
    entry["position"] = token.position;
    tokens.push_back(entry);
  }
  return {{"tokens", tokens},
          {"before", cosines_entry(group.before)},
          {"after", cosines_entry(group.after)},
          {"normalized", cosines_entry(group.normalized)}};
}

}  // namespace

void add_section(const SpikeCosinesResult& result, ReportDocument& report) {
  const auto* tokenizer = report.tokenizer.get();
  auto fields = block_entry(result.block);
  fields["definition"] =
      "Cosine of every two tokens of a sample, in text order: of the stream before the block (in "
      "anatomy the block that creates the largest spike), of the stream after it, and of the "
      "output of the first norm that reads the stream after it (normalized; without the learned "
      "scale, so an RMSNorm keeps the cosines of its input). minimum to maximum: quantiles over "
      "the pairs of two different tokens, linear between order statistics. The sample: the "
      "max_tokens spike tokens with the smallest hash of (sequence, position), and as many "
      "ordinary tokens (arXiv 2603.05498, figure 5).";
  fields["options"] = {{"max_tokens", result.options.max_tokens}};
  fields["norm"] = result.norm.empty()
                       ? json(nullptr)
                       : json({{"name", result.norm}, {"after_block", result.norm_after_block}});
  fields["spike"] = group_entry(result.spike, tokenizer);
  fields["ordinary"] = group_entry(result.ordinary, tokenizer);
  report.json["spike_cosines"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const SpikeCosinesResult&);
}  // namespace spikesink
