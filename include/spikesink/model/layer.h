#pragma once

#include "spikesink/hooks/block.h"
#include "spikesink/model/attention.h"
#include "spikesink/model/experts.h"
#include "spikesink/model/feed_forward.h"
#include "spikesink/model/gated_delta_net.h"
#include "spikesink/model/norm.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The norms of a block: on its input, on its output, and on the sum with the residual stream. A
/// missing norm is the identity.
struct BlockNorms {
  Norm input{nullptr}, output{nullptr}, sum{nullptr};
};

/// One layer: a block that mixes tokens, usually attention, and a feed-forward block. Each computes
/// H' = H + F(norm(H)) (arXiv 2603.05498, eq. 4), or the variant that the configuration's norm
/// placement and residual form define.
class LayerImpl : public torch::nn::Module {
 public:
  LayerImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// Takes the layer's input and returns the next layer's input, both [B, T, d_model].
  torch::Tensor forward(const torch::Tensor& stream, const PassContext& context);

  BlockNorms attention_norms, feed_forward_norms;
  Attention attn{nullptr};       // null in layers with another mixer
  GatedDeltaNet delta{nullptr};  // null in layers with another mixer
  FeedForward mlp{nullptr};      // null in layers with experts, one matrix, or no feed-forward
  Experts experts{nullptr};      // null in layers without experts
  Linear linear{nullptr};        // null unless the feed-forward is one matrix

  BlockNorms& norms(BlockKind kind) {
    return kind == BlockKind::kAttention ? attention_norms : feed_forward_norms;
  }

 private:
  torch::Tensor mix_tokens(const torch::Tensor& x, const PassContext& context);
  torch::Tensor feed_forward(const torch::Tensor& x);
  torch::Tensor norm_sum(const Norm& norm, const HookPoint& state, const HookPoint& normalized,
                         const torch::Tensor& sum) const;

  ResidualForm residual_;
  double multiplier_;
  HookPoint hook_resid_pre_, hook_attn_out_, hook_resid_mid_, hook_normalized_resid_mid_,
      hook_mlp_in_, hook_mlp_out_, hook_resid_post_, hook_normalized_resid_post_;
};
TORCH_MODULE(Layer);

}  // namespace spikesink
