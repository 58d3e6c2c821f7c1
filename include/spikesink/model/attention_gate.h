#pragma once

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/linear.h"
#include "spikesink/model/pass_context.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A gate on what heads give, before the output projection.
class AttentionGateImpl : public torch::nn::Module {
 public:
  AttentionGateImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// z [B, T, H, d_head] and what the attention read, x [B, T, d_model] -> z times its factors.
  torch::Tensor forward(const torch::Tensor& z, const torch::Tensor& x, const PassContext& context);

  Linear map{nullptr};   // with bias; of kHidden and kEmbedding
  torch::Tensor logits;  // [factors] of kConstant, [context, factors] of kPosition, or undefined

 private:
  torch::Tensor logits_of(const torch::Tensor& x, const PassContext& context);

  GateConfig config_;
  int64_t n_heads_;
  HookPoint hook_gate_;
};
TORCH_MODULE(AttentionGate);

}  // namespace spikesink
