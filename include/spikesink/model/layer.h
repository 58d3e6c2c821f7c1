#pragma once

#include "spikesink/model/attention.h"
#include "spikesink/model/experts.h"
#include "spikesink/model/feed_forward.h"
#include "spikesink/model/norm.h"

namespace spikesink {

/// One layer: an attention block and a feed-forward block of the paper, each H' = H + F(norm(H))
/// (eq. 4) or what the configuration's norm placement and residual form make of it.
class LayerImpl : public torch::nn::Module {
 public:
  LayerImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// What the layer reads and what the next one does, [B, T, d_model].
  torch::Tensor forward(const torch::Tensor& stream, const Positions& positions);

  // Of the attention block and of the feed-forward block; the identity where there is none.
  Norm ln1{nullptr}, ln2{nullptr};            // before the block; post-norm: after the sum
  Norm ln1_post{nullptr}, ln2_post{nullptr};  // of what the block adds
  Norm ln1_sum{nullptr}, ln2_sum{nullptr};    // of the sum; post-norm: ln1 and ln2
  Attention attn{nullptr};
  FeedForward mlp{nullptr};  // null where there are experts
  Experts experts{nullptr};  // null where there are none

 private:
  torch::Tensor summed(const Norm& norm, const HookPoint& state, const HookPoint& normalized,
                       const torch::Tensor& sum) const;

  NormPlacement placement_;
  ResidualForm residual_;
  double multiplier_;
  HookPoint hook_resid_pre_, hook_attn_out_, hook_resid_mid_, hook_normalized_resid_mid_,
      hook_mlp_out_, hook_resid_post_, hook_normalized_resid_post_;
};
TORCH_MODULE(Layer);

}  // namespace spikesink
