#pragma once

#include "spikesink/hooks/block.h"
#include "spikesink/model/attention.h"
#include "spikesink/model/experts.h"
#include "spikesink/model/feed_forward.h"
#include "spikesink/model/norm.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The norms of a block: of what it reads, of what it adds, and of the stream after it; the
/// identity where there is none.
struct BlockNorms {
  Norm front{nullptr}, output{nullptr}, sum{nullptr};
};

/// One layer: an attention block and a feed-forward block of the paper, each H' = H + F(norm(H))
/// (eq. 4) or what the configuration's norm placement and residual form make of it.
class LayerImpl : public torch::nn::Module {
 public:
  LayerImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// What the layer reads and what the next one does, [B, T, d_model].
  torch::Tensor forward(const torch::Tensor& stream, const PassContext& context);

  BlockNorms attention_norms, feed_forward_norms;
  Attention attn{nullptr};
  FeedForward mlp{nullptr};  // null where there are experts, one matrix, or nothing
  Experts experts{nullptr};  // null where there are none
  Linear linear{nullptr};    // null unless it is the whole feed-forward

  BlockNorms& norms(BlockKind kind) {
    return kind == BlockKind::kAttention ? attention_norms : feed_forward_norms;
  }

 private:
  torch::Tensor feed_forward(const torch::Tensor& x);
  torch::Tensor summed(const Norm& norm, const HookPoint& state, const HookPoint& normalized,
                       const torch::Tensor& sum) const;

  ResidualForm residual_;
  double multiplier_;
  HookPoint hook_resid_pre_, hook_attn_out_, hook_resid_mid_, hook_normalized_resid_mid_,
      hook_mlp_in_, hook_mlp_out_, hook_resid_post_, hook_normalized_resid_post_;
};
TORCH_MODULE(Layer);

}  // namespace spikesink
