#pragma once

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/attention_gate.h"
#include "spikesink/model/linear.h"
#include "spikesink/model/norm.h"
#include "spikesink/model/pass_context.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The share of their attention that other tokens may give certain keys. What a token gives itself
/// is never limited.
struct AttentionCap {
  std::vector<int64_t> keys;  // positions, from 0; none: no limit
  torch::Tensor max_share;    // [H], a share for each such key; 1: as it is
  bool renormalize = true;    // the other keys divide what is taken away, else it is lost
};

/// How the attention that query i pays to key k comes from their dot product, and which keys i
/// sees.
struct AttentionParams {
  double scale = 1;
  double softcap = 0;       // s becomes softcap * tanh(s / softcap), before the bias; 0: as it is
  torch::Tensor alibi;      // [H, S], alibi[k] - alibi[i] is added; or undefined
  bool causal = true;       // i sees no key after itself
  int64_t window = 0;       // and only the last `window` of those; 0: all
  int64_t past_length = 0;  // position of the first query among the keys: how many are from a cache
  torch::Tensor sink_logits;  // [H], a logit in each head's denominator, or undefined
  AttentionCap attention_cap;
  AttentionForm form = AttentionForm::kSoftmax;
  bool needs_denominator = false;  // more than the kernel's own division is made of it
};

namespace detail {
struct Attended;
}

/// Self-attention with grouped key/value heads.
///
/// With a cache the keys and values of earlier calls come first: keys are kept before they are
/// turned, and turned by their places in the cache.
///
/// T x T matrices are formed only while `hook_attn_scores` or `hook_pattern` of this layer is
/// watched. Else the fused kernel is used, or, where it lacks a part of the score rule, queries are
/// taken a few at a time. All ways agree. `hook_lse` is the logarithm of the softmax's denominator,
/// a learned sink logit included, [B, H, T] in float32 or better; replacing it rescales the
/// attention as another denominator would (adding one to it gives softmax-plus-one). Of sigmoid
/// attention it is that of all a query's weights, which are not divided by it.
class AttentionImpl : public torch::nn::Module {
 public:
  AttentionImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// x [B, T, d_model] -> [B, T, d_model].
  torch::Tensor forward(const torch::Tensor& input, const PassContext& context);

  AttentionParams attention_params(const PassContext& context) const;

  Linear q{nullptr}, k{nullptr}, v{nullptr}, o{nullptr};
  Norm q_norm{nullptr}, k_norm{nullptr};
  torch::Tensor sink_logits;  // [H], a logit in each head's denominator, or undefined
  torch::Tensor bias_key;    // [K, d_head], what every query sees besides, not turned; or undefined
  torch::Tensor bias_value;  // [K, d_head]
  AttentionGate gate{nullptr};  // null without one
  AttentionCap attention_cap;   // what RemoveSinks sets

 private:
  torch::Tensor project(const Linear& projection, const torch::Tensor& x) const;
  torch::Tensor normed(const Norm& norm, const torch::Tensor& heads) const;
  torch::Tensor turned(const torch::Tensor& heads, const PassContext& context, int64_t first) const;
  torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                       const PassContext& context) const;
  detail::Attended with_bias(const detail::Attended& attended, const torch::Tensor& q) const;
  torch::Tensor attend_watched(const torch::Tensor& q, const torch::Tensor& k,
                               const torch::Tensor& v, const PassContext& context) const;

  int64_t layer_;
  int64_t d_head_;
  int64_t rope_;
  double qkv_clip_;
  bool norms_whole_;
  AttentionParams rule_;
  HookPoint hook_in_, hook_q_, hook_k_, hook_v_, hook_rot_q_, hook_rot_k_, hook_scores_, hook_lse_,
      hook_pattern_, hook_z_;
};
TORCH_MODULE(Attention);

}  // namespace spikesink
