#include <cmath>

#include "report/json_values.h"
#include "report/section.h"
#include "spikesink/intervene/streaming.h"

namespace spikesink::detail {
namespace {

json perplexity_of(const RunningMean& loss) {
  return loss.count > 0 ? number(std::exp(loss.mean)) : json();
}

json by_position(const StreamingResult& result) {
  json list = json::array();
  int64_t first = 0;
  for (const auto& loss : result.losses) {
    list.push_back({{"first", first},
                    {"last", first + loss.count - 1},
                    {"loss", mean_or_null(loss)},
                    {"perplexity", perplexity_of(loss)}});
    first += loss.count;
  }
  return list;
}

json section(const NamedStreamingResult& stream, const Tokenizer* tokenizer) {
  const auto& [name, policy, result] = stream;
  const auto entry = [&](int64_t id) { return token_entry(id, tokenizer); };
  auto whole = result.before;
  whole.merge(result.after);
  return {{"name", name},
          {"first", policy.first},
          {"window", policy.window},
          {"step", result.options.step},
          {"segment_length", result.options.segment_length},
          {"kept", first_of(policy.kept_ids, kMostTokens, entry)},
          {"most_kept", policy.kept_ids.empty() ? 0 : policy.most_kept},
          {"capacity", policy.capacity()},
          {"cache_bytes", result.cache_bytes},
          {"tokens", whole.count},
          {"perplexity", perplexity_of(whole)},
          {"perplexity_before", perplexity_of(result.before)},
          {"perplexity_after", perplexity_of(result.after)},
          {"by_position", by_position(result)}};
}

}  // namespace

void add_section(const std::vector<NamedStreamingResult>& streams, ReportDocument& report) {
  const auto* tokenizer = report.tokenizer.get();
  json list = json::array();
  for (const auto& stream : streams) list.push_back(section(stream, tokenizer));
  report.json["streams"] = list;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const std::vector<NamedStreamingResult>&);
}  // namespace spikesink
