#include "spikesink/measure/spikes/sparse_constants.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

json section(const VectorSummary& vectors) {
  return {{"tokens", vectors.count},
          {"cosine", number(vectors.cosine)},
          {"distance", number(vectors.distance)},
          {"participation", number(vectors.participation)},
          {"top_share", number(vectors.top_share)},
          {"largest", number(vectors.largest)}};
}

json section(const TokenGroupSummaries& groups) {
  return {{"spike", section(groups.spike)}, {"ordinary", section(groups.ordinary)}};
}

}  // namespace

void add_section(const SparseConstantsResult& result, ReportDocument& report) {
  json norms = json::array();
  for (const auto& norm : result.norms) {
    norms.push_back({{"name", norm.name},
                     {"after_block", norm.after_block},
                     {"before", section(norm.before)},
                     {"after", section(norm.after)}});
  }
  const json fields = {
      {"definition",
       "Of the tokens' vectors before a norm and after it (without its learned scale): cosine, "
       "the mean over all pairs; distance from a constant, sqrt(mean ||x - mean x||^2 / mean "
       "||x||^2); participation, the mean of (sum x^2)^2 / sum x^4, the number of channels "
       "that carry the energy; top_share, the mean share of the energy in the `top` largest "
       "channels; largest |x|, after a norm at most sqrt(d_model) (arXiv 2603.05498, figure 5, "
       "eqs. 23-25)."},
      {"d_model", result.d_model},
      {"top", result.options.top},
      {"norms", norms}};
  report.json["sparse_constants"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const SparseConstantsResult&);
}  // namespace spikesink
