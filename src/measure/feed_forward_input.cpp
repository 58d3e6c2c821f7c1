#include "measure/feed_forward_input.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink::detail {

using namespace hook_names;

FeedForwardInput feed_forward_input(const TransformerImpl& model, int64_t layer) {
  const auto& config = model.config();
  if (config.norm_placement == NormPlacement::kPost)
    return {nullptr, in_block(layer, kNormalizedResidMid)};
  const bool shared = config.residual == ResidualForm::kParallelSharedNorm;
  const auto& norm = shared ? model.layers[layer]->ln1 : model.layers[layer]->ln2;
  if (norm->config().kind == NormKind::kNone) {
    const bool sequential = config.residual == ResidualForm::kSequential;
    return {nullptr, in_block(layer, sequential ? kResidMid : kResidPre)};
  }
  return {&norm, in_block(layer, shared ? "ln1." : "ln2.") + std::string(kNormalized)};
}

}  // namespace spikesink::detail
