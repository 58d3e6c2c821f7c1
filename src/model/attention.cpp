#include "spikesink/model/attention.h"

#include "model/softmax_attention.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

// The shape of a QK-norm's scale.
std::vector<int64_t> qk_norm_shape(const ModelConfig& config, int64_t heads) {
  switch (config.qk_norm) {
    case QkNorm::kPerHeadScale:
      return {heads, config.d_head};
    case QkNorm::kWhole:
      return {heads * config.d_head};
    case QkNorm::kPerHead:
    case QkNorm::kNone:
      break;
  }
  return {config.d_head};
}

Norm make_qk_norm(const ModelConfig& config, int64_t heads, HookRegistry& hooks,
                  const std::string& name) {
  auto norm = config.qk_norm_config;
  if (config.qk_norm == QkNorm::kNone) norm.kind = NormKind::kNone;
  return Norm(norm, qk_norm_shape(config, heads), hooks, name);
}

}  // namespace

AttentionImpl::AttentionImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer)
    : d_head_(config.d_head),
      rope_(config.layer(layer).rope),
      qkv_clip_(config.qkv_clip),
      norms_whole_(config.qk_norm == QkNorm::kWhole),
      rule_{.scale = config.score_scale() / (config.scale_by_layer ? 1.0 + layer : 1.0),
            .softcap = config.attention_softcap,
            .causal = config.causal,
            .window = config.layer(layer).window},
      hook_in_(hooks.make(in_block(layer, kAttentionIn))),
      hook_q_(hooks.make(in_block(layer, kQ))),
      hook_k_(hooks.make(in_block(layer, kK))),
      hook_v_(hooks.make(in_block(layer, kV))) {
  const int64_t query_width = config.n_heads * config.d_head;
  const int64_t key_width = config.n_key_value_heads * config.d_head;
  q = register_module("q", Linear(config.d_model, query_width, config.qkv_bias));
  k = register_module("k", Linear(config.d_model, key_width, config.qkv_bias));
  v = register_module("v", Linear(config.d_model, key_width, config.qkv_bias));
  o = register_module("o", Linear(query_width, config.d_model, config.attention_output_bias));
  if (config.sink_logits) sinks = register_parameter("sinks", torch::empty({config.n_heads}));
  q_norm = register_module(
      "q_norm", make_qk_norm(config, config.n_heads, hooks, in_block(layer, "attn.q_norm")));
  hook_rot_q_ = hooks.make(in_block(layer, kRotQ));
  k_norm = register_module("k_norm", make_qk_norm(config, config.n_key_value_heads, hooks,
                                                  in_block(layer, "attn.k_norm")));
  hook_rot_k_ = hooks.make(in_block(layer, kRotK));
  hook_scores_ = hooks.make(in_block(layer, kScores));
  hook_lse_ = hooks.make(in_block(layer, kLse));
  hook_pattern_ = hooks.make(in_block(layer, kPattern));
  hook_z_ = hooks.make(in_block(layer, kZ));
}

torch::Tensor AttentionImpl::forward(const torch::Tensor& input, const Positions& positions) {
  const auto x = hook_in_(input);                                            // [B, T, d_model]
  const auto queries = hook_q_(project(q, x));                               // [B, T, H, d_head]
  const auto keys = hook_k_(project(k, x));                                  // [B, T, K, d_head]
  const auto values = hook_v_(project(v, x));                                // [B, T, K, d_head]
  const auto rot_queries = hook_rot_q_(placed(q_norm, queries, positions));  // [B, T, H, d_head]
  const auto rot_keys = hook_rot_k_(placed(k_norm, keys, positions));        // [B, T, K, d_head]
  const bool needs_matrices = hook_scores_.watched() || hook_pattern_.watched();
  const auto way = needs_matrices ? &AttentionImpl::attend_watched : &AttentionImpl::attend;
  const auto z = (this->*way)(rot_queries.transpose(1, 2), rot_keys.transpose(1, 2),
                              values.transpose(1, 2), positions);  // [B, H, T, d_head]
  return o(hook_z_(z.transpose(1, 2)).flatten(2));
}

ScoreRule AttentionImpl::score_rule(const Positions& positions) const {
  auto rule = rule_;
  rule.alibi = positions.alibi;
  return rule;
}

torch::Tensor AttentionImpl::project(const Linear& projection, const torch::Tensor& x) const {
  auto flat = projection->forward(x);
  if (qkv_clip_ > 0) flat = flat.clamp(-qkv_clip_, qkv_clip_);
  return flat.unflatten(-1, {-1, d_head_});
}

// Normed and turned, as they enter the dot product.
torch::Tensor AttentionImpl::placed(const Norm& norm, const torch::Tensor& heads,
                                    const Positions& positions) const {
  const auto normed =
      norms_whole_ ? norm->forward(heads.flatten(2)).view_as(heads) : norm->forward(heads);
  const bool turns = rope_ >= 0 && rope_ < static_cast<int64_t>(positions.rotary.size());
  return turns ? positions.rotary[static_cast<size_t>(rope_)].apply(normed) : normed;
}

torch::Tensor AttentionImpl::attend(const torch::Tensor& q, const torch::Tensor& k,
                                    const torch::Tensor& v, const Positions& positions) const {
  const auto [z, lse] =
      detail::softmax_attention(q, k, v, score_rule(positions), positions.padding);
  const auto denominator = hook_lse_(with_sinks(lse));  // [B, H, T]
  if (denominator.is_same(lse)) return z;
  return z * at::exp(lse - denominator).unsqueeze(-1).to(z.scalar_type());
}

torch::Tensor AttentionImpl::attend_watched(const torch::Tensor& q, const torch::Tensor& k,
                                            const torch::Tensor& v,
                                            const Positions& positions) const {
  const auto scores = hook_scores_(detail::scores(q, k, score_rule(positions), positions.padding,
                                                  detail::whole(q.size(2))));       // [B, H, T, S]
  const auto denominator = hook_lse_(with_sinks(at::logsumexp(scores, -1)));        // [B, H, T]
  const auto pattern = hook_pattern_(at::exp(scores - denominator.unsqueeze(-1)));  // [B, H, T, S]
  return detail::weighted_values(pattern, v);
}

torch::Tensor AttentionImpl::with_sinks(const torch::Tensor& lse) const {
  return sinks.defined() ? at::logaddexp(lse, sinks.to(lse.scalar_type()).unsqueeze(1)) : lse;
}

}  // namespace spikesink
