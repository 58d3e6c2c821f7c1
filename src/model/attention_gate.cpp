#include "spikesink/model/attention_gate.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink {

AttentionGateImpl::AttentionGateImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer)
    : config_(config.gate), n_heads_(config.n_heads) {
  const int64_t factors = config.gate_factors();
  const auto add_logits = [&](torch::IntArrayRef shape) {
    return register_parameter("logits", torch::empty(shape));
  };
  if (config_.input == GateInput::kConstant) logits = add_logits({factors});
  if (config_.input == GateInput::kPosition) logits = add_logits({config.context, factors});
  const bool from_embedding = config_.input == GateInput::kEmbedding;
  if (config_.input == GateInput::kHidden || from_embedding) {
    const int64_t width = from_embedding ? config.embedding_width() : config.d_model;
    map = register_module("map", Linear(width, factors, /*has_bias=*/false));
  }
  hook_gate_ = hooks.add_point(hook_names::layer_hook_name(layer, hook_names::kGate));
}

torch::Tensor AttentionGateImpl::forward(const torch::Tensor& z, const torch::Tensor& x,
                                         const PassContext& context) {
  const int64_t heads = config_.width == GateWidth::kToken ? 1 : n_heads_;
  const auto factors = at::sigmoid(compute_logits(x, context))
                           .unflatten(-1, {heads, -1})
                           .expand({z.size(0), z.size(1), -1, -1});
  return z * hook_gate_(factors);
}

// Returns a tensor that broadcasts to [B, T, factors].
torch::Tensor AttentionGateImpl::compute_logits(const torch::Tensor& x,
                                                const PassContext& context) {
  switch (config_.input) {
    case GateInput::kHidden:
      return map(x);
    case GateInput::kEmbedding:
      return map(context.token_embeddings);
    case GateInput::kPosition:
      return logits.slice(0, context.past_length, context.past_length + x.size(1));
    default:
      return logits;
  }
}

}  // namespace spikesink
