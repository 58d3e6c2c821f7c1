#pragma once

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/linear.h"
#include "spikesink/model/model_config.h"
#include "spikesink/model/norm.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Queries, keys and values of a layer, before QK-norm and RoPE.
struct QueryKeyValue {
  torch::Tensor q, k, v;  // [B, T, H, d_head], [B, T, K, d_head], [B, T, K, d_value]
};

/// The projections of latent attention (arXiv 2405.04434). With latents c_q = norm(W_qd x) and
/// c_kv = norm(W_kvd x):
///
///   q = W_qu c_q,   k = [W_r x, W_ku c_kv],   v = W_vu c_kv.
///
/// W_r x is the part of the keys with RoPE, which is the same in all heads. It comes first in a
/// head, so that the queries' and keys' first `d_rope` dimensions are those with RoPE. Hooks:
/// `hook_q_latent` and `hook_kv_latent`, and those of the two norms.
class LatentProjectionImpl : public torch::nn::Module {
 public:
  LatentProjectionImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// x [B, T, d_model]; K = H.
  QueryKeyValue forward(const torch::Tensor& x);

  Linear q_down{nullptr};  // null without a latent of queries: then q_up maps x
  Norm q_norm{nullptr};    // null without a latent of queries
  Linear q_up{nullptr};
  Linear kv_down{nullptr}, k_rope{nullptr};
  Norm kv_norm{nullptr};
  Linear k_up{nullptr}, v_up{nullptr};

 private:
  int64_t n_heads_;
  HookPoint hook_q_latent_, hook_kv_latent_;
};
TORCH_MODULE(LatentProjection);

}  // namespace spikesink
