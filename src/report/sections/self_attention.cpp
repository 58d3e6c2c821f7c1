#include "report/report_sections.h"
#include "report/sections/words.h"

namespace spikesink::detail {

json section(const SelfAttentionResult& result) {
  json heads = json::array();
  for (const auto& [layer, head, attention] : result.heads) {
    heads.push_back({{"layer", layer},
                     {"head", head},
                     {"spike", number(attention.spike)},
                     {"ordinary", number(attention.ordinary)},
                     {"delimiter", number(attention.watched)}});
  }
  return {{"definition",
           "Mean A[i, i] of the tokens that are not the first of their sequence (in a causal model "
           "that one keeps all of its attention): spike tokens, the others, and delimiters of "
           "either kind."},
          {"tokens",
           {{"spike", result.tokens.spike},
            {"ordinary", result.tokens.ordinary},
            {"delimiter", result.tokens.watched}}},
          {"heads", heads}};
}

}  // namespace spikesink::detail
