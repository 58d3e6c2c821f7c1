#include "spikesink/model/attention.h"

#include "detail/autocast.h"
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
    : layer_(layer),
      d_head_(config.d_head),
      rope_(config.layer(layer).rope),
      qkv_clip_(config.qkv_clip),
      norms_whole_(config.qk_norm == QkNorm::kWhole),
      rule_{.scale = config.softmax_scale() / (config.scale_by_layer ? 1.0 + layer : 1.0),
            .softcap = config.attention_softcap,
            .causal = config.causal,
            .window = config.layer(layer).window,
            .form = config.attention_form},
      hook_in_(hooks.add_point(layer_hook_name(layer, kAttentionIn))),
      hook_q_(hooks.add_point(layer_hook_name(layer, kQ))),
      hook_k_(hooks.add_point(layer_hook_name(layer, kK))),
      hook_v_(hooks.add_point(layer_hook_name(layer, kV))) {
  const int64_t query_width = config.n_heads * config.d_head;
  const int64_t key_width = config.n_key_value_heads * config.d_head;
  q = register_module("q", Linear(config.d_model, query_width, config.qkv_bias));
  k = register_module("k", Linear(config.d_model, key_width, config.qkv_bias));
  v = register_module("v", Linear(config.d_model, key_width, config.qkv_bias));
  o = register_module("o", Linear(query_width, config.d_model, config.attention_output_bias));
  if (config.sink_logits) sink_logits = register_parameter("sinks", torch::empty({config.n_heads}));
  if (config.key_value_bias) {
    const auto shape = {config.n_key_value_heads, config.d_head};
    bias_key = register_parameter("bias_key", torch::empty(shape));
    bias_value = register_parameter("bias_value", torch::empty(shape));
  }
  q_norm = register_module(
      "q_norm", make_qk_norm(config, config.n_heads, hooks, layer_hook_name(layer, "attn.q_norm")));
  hook_rot_q_ = hooks.add_point(layer_hook_name(layer, kRotQ));
  k_norm = register_module("k_norm", make_qk_norm(config, config.n_key_value_heads, hooks,
                                                  layer_hook_name(layer, "attn.k_norm")));
  hook_rot_k_ = hooks.add_point(layer_hook_name(layer, kRotK));
  hook_scores_ = hooks.add_point(layer_hook_name(layer, kScores));
  hook_lse_ = hooks.add_point(layer_hook_name(layer, kLse));
  hook_pattern_ = hooks.add_point(layer_hook_name(layer, kPattern));
  if (config.gate_factors() > 0)
    gate = register_module("gate", AttentionGate(config, hooks, layer));
  hook_z_ = hooks.add_point(layer_hook_name(layer, kZ));
}

torch::Tensor AttentionImpl::forward(const torch::Tensor& input, const PassContext& context) {
  const auto x = hook_in_(input);                // [B, T, d_model]
  const auto queries = hook_q_(project(q, x));   // [B, T, H, d_head]
  const auto new_keys = hook_k_(project(k, x));  // [B, T, K, d_head]
  auto values = hook_v_(project(v, x));          // [B, T, K, d_head]
  const auto dtype = values.scalar_type();       // under autocast norms and RoPE give float32
  const auto rot_queries =
      hook_rot_q_(turned(normed(q_norm, queries), context, context.past_length).to(dtype));
  auto keys = normed(k_norm, new_keys);
  if (context.cache) context.cache->append(layer_, keys, values);  // [B, S, K, d_head]
  const auto rot_keys = hook_rot_k_(turned(keys, context, 0).to(dtype));
  const bool needs_matrices = hook_scores_.has_hooks() || hook_pattern_.has_hooks();
  const auto way = needs_matrices ? &AttentionImpl::attend_watched : &AttentionImpl::attend;
  auto z = (this->*way)(rot_queries.transpose(1, 2), rot_keys.transpose(1, 2),
                        values.transpose(1, 2), context)
               .transpose(1, 2);  // [B, T, H, d_head]
  if (gate) z = gate->forward(z, x, context);
  return o(hook_z_(z).flatten(2));
}

AttentionParams AttentionImpl::attention_params(const PassContext& context) const {
  auto rule = rule_;
  rule.alibi = context.alibi;
  rule.past_length = context.past_length;
  rule.sink_logits = sink_logits;
  rule.attention_cap = attention_cap;
  rule.needs_denominator = sink_logits.defined() || bias_key.defined();
  return rule;
}

torch::Tensor AttentionImpl::project(const Linear& projection, const torch::Tensor& x) const {
  auto flat = projection->forward(x);
  if (qkv_clip_ > 0) flat = flat.clamp(-qkv_clip_, qkv_clip_);
  return flat.unflatten(-1, {-1, d_head_});
}

torch::Tensor AttentionImpl::normed(const Norm& norm, const torch::Tensor& heads) const {
  return norms_whole_ ? norm->forward(heads.flatten(2)).view_as(heads) : norm->forward(heads);
}

// As they enter the dot product, the first of them at position `first`.
torch::Tensor AttentionImpl::turned(const torch::Tensor& heads, const PassContext& context,
                                    int64_t first) const {
  const bool turns = rope_ >= 0 && rope_ < static_cast<int64_t>(context.rope_tables.size());
  if (!turns) return heads;
  return context.rope_tables[static_cast<size_t>(rope_)].apply(heads, first);
}

torch::Tensor AttentionImpl::attend(const torch::Tensor& q, const torch::Tensor& k,
                                    const torch::Tensor& v, const PassContext& context) const {
  const detail::AutocastScope as_given(q.device().type(), false);
  const auto attended = with_bias(
      detail::softmax_attention(q, k, v, attention_params(context), context.padding_mask), q);
  return detail::under_denominator(attended, hook_lse_(attended.lse)).z;
}

// What is attended to, and the learned key and value as one more.
detail::Attended AttentionImpl::with_bias(const detail::Attended& attended,
                                          const torch::Tensor& q) const {
  if (!bias_key.defined()) return attended;
  const auto of_heads = [&](const torch::Tensor& rows) {  // [H, d_head]
    return rows.repeat_interleave(q.size(1) / rows.size(0), 0).to(attended.lse.scalar_type());
  };
  const auto scores =
      at::einsum("bhtd,hd->bht", {q.to(attended.lse.scalar_type()), of_heads(bias_key)}) *
      rule_.scale;
  const auto lse = at::logaddexp(attended.lse, scores);
  const auto share = at::exp(scores - lse).unsqueeze(-1);  // [B, H, T, 1]
  const auto added = share * of_heads(bias_value).unsqueeze(1);
  const auto others = detail::under_denominator(attended, lse);
  return {others.z + added.to(others.z.scalar_type()), lse};
}

torch::Tensor AttentionImpl::attend_watched(const torch::Tensor& q, const torch::Tensor& k,
                                            const torch::Tensor& v,
                                            const PassContext& context) const {
  const detail::AutocastScope as_given(q.device().type(), false);
  const auto rule = attention_params(context);
  const auto span = detail::whole(q.size(2), k.size(2));
  const auto scores =
      hook_scores_(detail::scores(q, k, rule, context.padding_mask, span));  // [B, H, T, S]
  const auto own = detail::denominator(scores, rule, span);                  // [B, H, T]
  const auto none = at::zeros({q.size(0), q.size(1), q.size(2), v.size(3)}, v.options());
  const auto bias = with_bias({none, own}, q);  // what the learned key and value give
  auto pattern = detail::pattern(scores, bias.lse, rule, span);  // [B, H, T, S]
  const auto replaced = hook_lse_(bias.lse);
  if (!replaced.is_same(bias.lse)) pattern = pattern * at::exp(bias.lse - replaced).unsqueeze(-1);
  return detail::weighted_values(hook_pattern_(pattern), v) +
         detail::under_denominator(bias, replaced).z;
}

}  // namespace spikesink
