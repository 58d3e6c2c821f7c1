#pragma once

#include "spikesink/model/attention.h"
#include "spikesink/model/feed_forward.h"
#include "spikesink/model/norm.h"

namespace spikesink {

/// One layer: an attention block and a feed-forward block of the paper, each H' = H + F(norm(H))
/// (eq. 4).
class LayerImpl : public torch::nn::Module {
 public:
  LayerImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// The residual stream [B, T, d_model], before and after this layer.
  torch::Tensor forward(torch::Tensor stream, const RotaryTable& rotary);

  // In the order of the forward pass, which is also the order of the registry.
  HookPoint hook_resid_pre;
  RmsNorm ln1;
  Attention attn;
  HookPoint hook_attn_out;
  HookPoint hook_resid_mid;
  RmsNorm ln2;
  FeedForward mlp;
  HookPoint hook_mlp_out;
  HookPoint hook_resid_post;
};
TORCH_MODULE(Layer);

}  // namespace spikesink
