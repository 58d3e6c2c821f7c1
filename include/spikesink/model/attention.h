#pragma once

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/attention_gate.h"
#include "spikesink/model/attention_params.h"
#include "spikesink/model/latent_projection.h"
#include "spikesink/model/linear.h"
#include "spikesink/model/norm.h"
#include "spikesink/model/pass_context.h"

namespace [[gnu::visibility("default")]] spikesink {

namespace detail {
struct AttentionOutput;
}

/// Self-attention with grouped key/value heads.
///
/// With a cache, the cached keys and values come first. Keys are cached before RoPE; RoPE, and a
/// QK-norm after it, is applied with their index in the cache as the position.
///
/// RoPE rotates channel i of a head together with channel i + dimensions / 2. Of a family that
/// rotates adjacent channels, the rows of W_Q and W_K are reordered when they are read, so
/// `hook_q`, `hook_k` and the scales of QK-norms have this order too.
///
/// T x T matrices are computed only while `hook_attn_scores` or `hook_pattern` of this layer has
/// hooks. Otherwise the fused kernel is used. If the kernel does not support an option, the queries
/// are processed in groups, without a T x T matrix. All code paths give the same result.
///
/// `hook_lse` is the logarithm of the softmax denominator, [B, H, T], float32 or float64. The
/// denominator includes the sink logit and the learned key, if the model has them. If a hook
/// replaces the value, the attention weights are rescaled to the new denominator. Example:
/// logaddexp(lse, 0) gives softmax-plus-one. For sigmoid attention it is the logarithm of the sum
/// of the query's weights, which are not normalised.
class AttentionImpl : public torch::nn::Module {
 public:
  AttentionImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// x [B, T, d_model] -> [B, T, d_model].
  torch::Tensor forward(const torch::Tensor& input, const PassContext& context);

  /// Returns the parameters of this layer's attention in one pass.
  AttentionParams attention_params(const PassContext& context) const;

  Linear q{nullptr}, k{nullptr}, v{nullptr}, o{nullptr};  // q, k, v: null with latent attention
  LatentProjection latent{nullptr};                       // null without
  Norm q_norm{nullptr}, k_norm{nullptr};
  torch::Tensor sink_logits;  // [H], a logit in each head's softmax denominator, or undefined
  /// A learned key and value that every query sees, the key without RoPE. [K, d_head] and
  /// [K, d_value], or undefined.
  torch::Tensor bias_key, bias_value;
  AttentionGate gate{nullptr};  // null without a gate
  AttentionCap attention_cap;   // set by RemoveSinks

 private:
  QueryKeyValue project(const torch::Tensor& x);
  torch::Tensor project(const Linear& projection, const torch::Tensor& x, int64_t width) const;
  torch::Tensor apply_norm(const Norm& norm, const torch::Tensor& heads) const;
  torch::Tensor apply_rope(const torch::Tensor& heads, const PassContext& context,
                           int64_t first) const;
  torch::Tensor rotate_queries(const torch::Tensor& queries, const PassContext& context) const;
  torch::Tensor rotate_keys(const torch::Tensor& keys, const PassContext& context) const;
  torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                       const PassContext& context) const;
  detail::AttentionOutput add_bias_key(const detail::AttentionOutput& output,
                                       const torch::Tensor& q) const;
  torch::Tensor attend_with_hooks(const torch::Tensor& q, const torch::Tensor& k,
                                  const torch::Tensor& v, const PassContext& context) const;

  int64_t layer_;
  int64_t d_head_, d_value_;
  int64_t rope_index_;
  double qkv_clip_;
  bool norms_all_heads_, norms_after_rope_;
  AttentionParams params_;
  HookPoint hook_in_, hook_q_, hook_k_, hook_v_, hook_rot_q_, hook_rot_k_, hook_scores_, hook_lse_,
      hook_pattern_, hook_z_;
};
TORCH_MODULE(Attention);

}  // namespace spikesink
