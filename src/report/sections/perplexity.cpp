#include "report/report_sections.h"
#include "report/sections/words.h"

namespace spikesink::detail {

json section(const PerplexityResult& result) {
  return {{"definition",
           "exp of the mean cross-entropy, in nats, of every token but the first of its sequence"},
          {"mean_loss", number(result.mean_loss)},
          {"perplexity", number(result.perplexity)},
          {"tokens", result.tokens}};
}

}  // namespace spikesink::detail
