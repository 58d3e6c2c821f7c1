#include "spikesink/measure/spikes/gate_linearity.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

json section(const GateTokenGroup& group) {
  json sample = json::array();
  for (const auto& point : group.sample)
    sample.push_back({digits(point.cosine), digits(point.ratio), digits(point.largest_output)});
  return {{"tokens", group.cosine.count},
          {"cosine", mean_or_null(group.cosine)},
          {"cosine_deviation", group.cosine.standard_deviation()},
          {"ratio", mean_or_null(group.ratio)},
          {"ratio_deviation", group.ratio.standard_deviation()},
          {"sample", sample}};
}

}  // namespace

void add_section(const GateLinearityResult& result, ReportDocument& report) {
  json blocks = json::array();
  for (const auto& block : result.blocks) {
    auto entry = block_entry(block.block);
    entry["spike"] = section(block.spike);
    entry["ordinary"] = section(block.ordinary);
    blocks.push_back(entry);
  }
  const json fields = {
      {"definition",
       "For each token, over the inner channels of a gated feed-forward block: the cosine of "
       "what the activation reads and what it gives, and ||output|| / ||input||; both near 1 "
       "mean that the activation is near the identity there (arXiv 2603.05498, figure 2). "
       "sample: some tokens' [cosine, ratio, largest |x| of the block's output], those with the "
       "smallest hash of (sequence, position)."},
      {"options",
       {{"max_spike_samples", result.options.max_spike_samples},
        {"max_ordinary_samples", result.options.max_ordinary_samples}}},
      {"blocks", blocks}};
  report.json["gate_linearity"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const GateLinearityResult&);
}  // namespace spikesink
