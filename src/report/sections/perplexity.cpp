#include "spikesink/measure/practice/perplexity.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {

void add_section(const PerplexityResult& result, ReportDocument& report) {
  const json fields = {
      {"definition",
       "exp of the mean cross-entropy, in nats, of every token but the first of its sequence"},
      {"mean_loss", number(result.mean_loss)},
      {"perplexity", number(result.perplexity)},
      {"tokens", result.tokens}};
  report.json["perplexity"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const PerplexityResult&);
}  // namespace spikesink
