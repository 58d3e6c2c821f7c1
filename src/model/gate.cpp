#include "spikesink/model/gate.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink {

GateImpl::GateImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer)
    : config_(config.gate), n_heads_(config.n_heads) {
  const int64_t factors = config.gate_factors();
  const auto numbers = [&](torch::IntArrayRef shape) {
    return register_parameter("logits", torch::empty(shape));
  };
  if (config_.input == GateInput::kConstant) logits = numbers({factors});
  if (config_.input == GateInput::kPosition) logits = numbers({config.context, factors});
  const bool of_embedding = config_.input == GateInput::kEmbedding;
  if (config_.input == GateInput::kHidden || of_embedding) {
    const int64_t width = of_embedding ? config.embedding_width() : config.d_model;
    map = register_module("map", Linear(width, factors, /*has_bias=*/true));
  }
  hook_gate_ = hooks.make(hook_names::in_block(layer, hook_names::kGate));
}

torch::Tensor GateImpl::forward(const torch::Tensor& z, const torch::Tensor& x,
                                const Positions& positions) {
  const int64_t heads = config_.width == GateWidth::kToken ? 1 : n_heads_;
  const auto factors = at::sigmoid(logits_of(x, positions))
                           .unflatten(-1, {heads, -1})
                           .expand({z.size(0), z.size(1), -1, -1});
  return z * hook_gate_(factors);
}

// [.., factors], which fits [B, T, factors].
torch::Tensor GateImpl::logits_of(const torch::Tensor& x, const Positions& positions) {
  switch (config_.input) {
    case GateInput::kHidden:
      return map(x);
    case GateInput::kEmbedding:
      return map(positions.embedded);
    case GateInput::kPosition:
      return logits.slice(0, positions.past, positions.past + x.size(1));
    default:
      return logits;
  }
}

}  // namespace spikesink
