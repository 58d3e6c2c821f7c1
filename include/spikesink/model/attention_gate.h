#pragma once

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/linear.h"
#include "spikesink/model/pass_context.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A gate that multiplies the outputs of the attention heads, before the output projection.
class AttentionGateImpl : public torch::nn::Module {
 public:
  AttentionGateImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// z [B, T, H, d_value] and the input of the attention, x [B, T, d_model] -> z times the gate
  /// factors.
  torch::Tensor forward(const torch::Tensor& z, const torch::Tensor& x, const PassContext& context);

  Linear map{nullptr};  // without bias; for kHidden and kEmbedding, else null
  /// [factors] for kConstant, [context, factors] for kPosition, else undefined.
  torch::Tensor logits;

 private:
  torch::Tensor compute_logits(const torch::Tensor& x, const PassContext& context);

  GateConfig config_;
  int64_t n_heads_;
  HookPoint hook_gate_;
};
TORCH_MODULE(AttentionGate);

}  // namespace spikesink
