#include "report/json_values.h"
#include "report/section.h"
#include "spikesink/measure/practice/kv_cache_keep.h"

namespace spikesink::detail {
namespace {

json section(const KeptToken& token, const Tokenizer* tokenizer) {
  const bool is_first = token.id < 0;
  auto entry = is_first ? json{{"id", nullptr}} : token_entry(token.id, tokenizer);
  entry["at_start"] = is_first;
  entry["occurrences"] = token.occurrences;
  entry["spiking"] = token.spiking;
  entry["sinking"] = token.sinking;
  entry["heads"] = number(token.heads);
  return entry;
}

}  // namespace

void add_section(const KvCacheKeepResult& result, ReportDocument& report) {
  const auto* tokenizer = report.tokenizer.get();
  const auto told = [&](const KeptToken& token) { return section(token, tokenizer); };
  const json fields = {
      {"definition",
       "Tokens that spike, or on which at least least_share_of_heads of all heads sink (see "
       "sinks_anywhere). kept: such places of the text. keep: by token, those at position 0 as "
       "one (at_start); sinking: of its occurrences those on which some head sinks; heads: how "
       "many do, mean over these. attention: of all its attention what a head gives its sinks, "
       "mean over heads."},
      {"options", {{"least_share_of_heads", result.options.least_share_of_heads}}},
      {"sequences", result.sequences},
      {"tokens", result.tokens},
      {"heads", result.heads},
      {"heads_with_sinks", result.heads_with_sinks},
      {"kept", result.kept},
      {"kept_per_sequence", number(static_cast<double>(result.kept) / result.sequences)},
      {"attention", number(result.attention)},
      {"keep", first_of(result.keep, kMostTokens, told)}};
  report.json["kv_cache"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const KvCacheKeepResult&);
}  // namespace spikesink
