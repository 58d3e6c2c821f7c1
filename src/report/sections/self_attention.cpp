#include "spikesink/measure/sinks/self_attention.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {

void add_section(const SelfAttentionResult& result, ReportDocument& report) {
  json heads = json::array();
  for (const auto& [layer, head, attention] : result.heads) {
    heads.push_back({{"layer", layer},
                     {"head", head},
                     {"spike", number(attention.spike)},
                     {"ordinary", number(attention.ordinary)},
                     {"delimiter", number(attention.delimiter)}});
  }
  const json fields = {
      {"definition",
       "Mean A[i, i] of the tokens that are not the first of their sequence (in a causal model "
       "that one keeps all of its attention): spike tokens, the others, and delimiters of "
       "either kind."},
      {"options", {{"delimiters", result.options.delimiters}}},
      {"tokens",
       {{"spike", result.tokens.spike},
        {"ordinary", result.tokens.ordinary},
        {"delimiter", result.tokens.delimiter}}},
      {"heads", heads}};
  report.json["self_attention"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const SelfAttentionResult&);
}  // namespace spikesink
