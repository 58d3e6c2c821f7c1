#include "spikesink/measure/spikes/state_norms.h"

#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

json token_group(const RunningMean& norms) {
  return {{"tokens", norms.count},
          {"mean", mean_or_null(norms)},
          {"standard_deviation", norms.standard_deviation()}};
}

}  // namespace

void add_section(const StateNormsResult& result, ReportDocument& report) {
  json blocks = json::array();
  for (const auto& norms : result.blocks) {
    auto entry = block_entry(norms.block);
    entry["spike"] = token_group(norms.spike);
    entry["ordinary"] = token_group(norms.ordinary);
    blocks.push_back(entry);
  }
  const json fields = {{"definition",
                        "||h||_2 of the tokens' hidden states after each block, over channels; "
                        "spike: of spike tokens (see spike_tokens), ordinary: of the others"},
                       {"blocks", blocks}};
  report.json["state_norms"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const StateNormsResult&);
}  // namespace spikesink
