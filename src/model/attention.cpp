#include "spikesink/model/attention.h"

#include <cmath>
#include <limits>

#include "detail/dtype.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

AttentionImpl::AttentionImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer)
    : d_head_(config.d_head),
      scale_(1.0 / std::sqrt(static_cast<double>(config.d_head))),
      hook_q_(hooks.make(in_block(layer, kQ))),
      hook_k_(hooks.make(in_block(layer, kK))),
      hook_v_(hooks.make(in_block(layer, kV))),
      hook_rot_q_(hooks.make(in_block(layer, kRotQ))),
      hook_rot_k_(hooks.make(in_block(layer, kRotK))),
      hook_scores_(hooks.make(in_block(layer, kScores))),
      hook_lse_(hooks.make(in_block(layer, kLse))),
      hook_pattern_(hooks.make(in_block(layer, kPattern))),
      hook_z_(hooks.make(in_block(layer, kZ))) {
  const int64_t query_width = config.n_heads * config.d_head;
  const int64_t key_width = config.n_key_value_heads * config.d_head;
  q = register_module("q", Linear(config.d_model, query_width, config.attention_bias));
  k = register_module("k", Linear(config.d_model, key_width, config.attention_bias));
  v = register_module("v", Linear(config.d_model, key_width, config.attention_bias));
  o = register_module("o", Linear(query_width, config.d_model, config.attention_bias));
}

torch::Tensor AttentionImpl::forward(const torch::Tensor& x, const RotaryTable& rotary) {
  const auto heads = [&](const torch::Tensor& flat) { return flat.unflatten(-1, {-1, d_head_}); };
  const auto queries = hook_q_(heads(q(x)));                                    // [B, T, H, d_head]
  const auto keys = hook_k_(heads(k(x)));                                       // [B, T, K, d_head]
  const auto values = hook_v_(heads(v(x)));                                     // [B, T, K, d_head]
  const auto rot_queries = hook_rot_q_(rotary.apply(queries)).transpose(1, 2);  // [B, H, T, d_head]
  const auto rot_keys = hook_rot_k_(rotary.apply(keys)).transpose(1, 2);        // [B, K, T, d_head]
  const bool needs_matrices = hook_scores_.watched() || hook_pattern_.watched();
  const auto z = needs_matrices ? attend_explicit(rot_queries, rot_keys, values.transpose(1, 2))
                                : attend_fused(rot_queries, rot_keys, values.transpose(1, 2));
  return o(hook_z_(z.transpose(1, 2)).flatten(2));
}

torch::Tensor AttentionImpl::attend_fused(const torch::Tensor& q, const torch::Tensor& k,
                                          const torch::Tensor& v) const {
  const auto [z, lse] =
      at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, /*is_causal=*/true, {}, scale_);
  const auto denominator = hook_lse_(lse);  // [B, H, T]
  if (denominator.is_same(lse)) return z;
  return z * at::exp(lse - denominator).unsqueeze(-1).to(z.scalar_type());
}

torch::Tensor AttentionImpl::attend_explicit(const torch::Tensor& q, const torch::Tensor& k,
                                             const torch::Tensor& v) const {
  const auto length = q.size(2);
  const auto dtype = detail::at_least_float(q.scalar_type());
  const auto for_each_query_head = [&](const torch::Tensor& x) {
    return x.repeat_interleave(q.size(1) / x.size(1), 1);
  };
  const auto future = at::ones({length, length}, q.options().dtype(torch::kBool)).triu(1);
  const auto products =
      at::matmul(q.to(dtype), for_each_query_head(k).to(dtype).transpose(-1, -2)) * scale_;
  const auto scores = hook_scores_(
      products.masked_fill(future, -std::numeric_limits<double>::infinity()));      // [B, H, T, S]
  const auto denominator = hook_lse_(at::logsumexp(scores, -1));                    // [B, H, T]
  const auto pattern = hook_pattern_(at::exp(scores - denominator.unsqueeze(-1)));  // [B, H, T, S]
  return at::matmul(pattern, for_each_query_head(v).to(dtype)).to(v.scalar_type());
}

}  // namespace spikesink
