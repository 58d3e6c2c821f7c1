#pragma once

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/linear.h"
#include "spikesink/model/rotary.h"

namespace spikesink {

/// Causal self-attention with grouped key/value heads.
///
/// The fused kernel is used unless `hook_attn_scores` or `hook_pattern` of this layer is watched:
/// only then are T x T matrices formed. Both ways agree. `hook_lse` is the logarithm of the
/// softmax's denominator, [B, H, T] in float32 or better; replacing it rescales the attention as
/// another denominator would (adding one to it gives softmax-plus-one).
class AttentionImpl : public torch::nn::Module {
 public:
  AttentionImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// x [B, T, d_model] -> [B, T, d_model].
  torch::Tensor forward(const torch::Tensor& x, const RotaryTable& rotary);

  /// What a dot product of query and key is multiplied with.
  double scale() const { return scale_; }

  Linear q{nullptr}, k{nullptr}, v{nullptr}, o{nullptr};

 private:
  torch::Tensor attend_fused(const torch::Tensor& q, const torch::Tensor& k,
                             const torch::Tensor& v) const;
  torch::Tensor attend_explicit(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& v) const;

  int64_t d_head_;
  double scale_;
  HookPoint hook_q_, hook_k_, hook_v_, hook_rot_q_, hook_rot_k_, hook_scores_, hook_lse_,
      hook_pattern_, hook_z_;
};
TORCH_MODULE(Attention);

}  // namespace spikesink
