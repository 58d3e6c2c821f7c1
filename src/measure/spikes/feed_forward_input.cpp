#include "measure/spikes/feed_forward_input.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink::detail {

using namespace hook_names;

FeedForwardInput feed_forward_input(const TransformerImpl& model, int64_t layer) {
  const auto& config = model.config();
  const bool shared = config.residual == ResidualForm::kParallelSharedNorm;
  const auto& modules = model.layers[layer];
  const auto& norm = shared ? modules->attention_norms.input : modules->feed_forward_norms.input;
  if (norm->config().kind == NormKind::kNone) {
    const bool sequential = config.residual == ResidualForm::kSequential;
    return {nullptr, sequential
                         ? model.hidden_state_hook_name(Block::of(layer, BlockKind::kAttention))
                         : layer_hook_name(layer, kResidPre)};
  }
  return {&norm, layer_hook_name(layer, shared ? "ln1." : "ln2.") + std::string(kNormalized)};
}

}  // namespace spikesink::detail
