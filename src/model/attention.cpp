#include "spikesink/model/attention.h"

#include "detail/autocast.h"
#include "model/softmax_attention.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

// The shape of the scale of a QK-norm.
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
      d_value_(config.value_width()),
      rope_index_(config.layer(layer).rope),
      qkv_clip_(config.qkv_clip),
      norms_all_heads_(config.qk_norm == QkNorm::kWhole),
      norms_after_rope_(config.qk_norm_after_rope),
      params_{.scale = config.softmax_scale() / (config.scale_by_layer ? 1.0 + layer : 1.0),
              .softcap = config.attention_softcap,
              .causal = config.causal,
              .window = config.layer(layer).window,
              .form = config.attention_form},
      hook_in_(hooks.add_point(layer_hook_name(layer, kAttentionIn))) {
  if (config.latent.kv_rank > 0) {
    latent = register_module("latent", LatentProjection(config, hooks, layer));
  } else {
    const auto linear = [&](const char* name, int64_t heads, int64_t width) {
      return register_module(name, Linear(config.d_model, heads * width, config.qkv_bias));
    };
    q = linear("q", config.n_heads, d_head_);
    k = linear("k", config.n_key_value_heads, d_head_);
    v = linear("v", config.n_key_value_heads, d_value_);
  }
  o = register_module(
      "o", Linear(config.n_heads * d_value_, config.d_model, config.attention_output_bias));
  hook_q_ = hooks.add_point(layer_hook_name(layer, kQ));
  hook_k_ = hooks.add_point(layer_hook_name(layer, kK));
  hook_v_ = hooks.add_point(layer_hook_name(layer, kV));
  if (config.sink_logits) sink_logits = register_parameter("sinks", torch::empty({config.n_heads}));
  if (config.learned_key_value) {
    const int64_t heads = config.n_key_value_heads;
    bias_key = register_parameter("bias_key", torch::empty({heads, d_head_}));
    bias_value = register_parameter("bias_value", torch::empty({heads, d_value_}));
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
  const auto x = hook_in_(input);  // [B, T, d_model]
  const auto projected = project(x);
  const auto queries = hook_q_(projected.q);   // [B, T, H, d_head]
  const auto new_keys = hook_k_(projected.k);  // [B, T, K, d_head]
  auto values = hook_v_(projected.v);          // [B, T, K, d_value]
  const auto dtype = values.scalar_type();     // under autocast, norms and RoPE return float32
  const auto rot_queries = hook_rot_q_(rotate_queries(queries, context).to(dtype));
  auto keys = norms_after_rope_ ? new_keys : apply_norm(k_norm, new_keys);
  if (context.cache) context.cache->append(layer_, keys, values);  // [B, S, K, d_head]
  const auto rot_keys = hook_rot_k_(rotate_keys(keys, context).to(dtype));
  const bool needs_matrices = hook_scores_.has_hooks() || hook_pattern_.has_hooks();
  const auto q_heads = rot_queries.transpose(1, 2);  // [B, H, T, d_head]
  const auto k_heads = rot_keys.transpose(1, 2);     // [B, K, S, d_head]
  const auto v_heads = values.transpose(1, 2);       // [B, K, S, d_value]
  const auto z_heads = needs_matrices ? attend_with_hooks(q_heads, k_heads, v_heads, context)
                                      : attend(q_heads, k_heads, v_heads, context);
  auto z = z_heads.transpose(1, 2);  // [B, T, H, d_value]
  if (gate) z = gate->forward(z, x, context);
  return o(hook_z_(z).flatten(2));
}

AttentionParams AttentionImpl::attention_params(const PassContext& context) const {
  auto params = params_;
  params.alibi = context.alibi;
  params.past_length = context.past_length;
  params.sink_logits = sink_logits;
  params.attention_cap = attention_cap;
  params.needs_denominator = sink_logits.defined() || bias_key.defined();
  return params;
}

QueryKeyValue AttentionImpl::project(const torch::Tensor& x) {
  if (latent) return latent(x);
  return {project(q, x, d_head_), project(k, x, d_head_), project(v, x, d_value_)};
}

torch::Tensor AttentionImpl::project(const Linear& projection, const torch::Tensor& x,
                                     int64_t width) const {
  auto flat = projection->forward(x);
  if (qkv_clip_ > 0) flat = flat.clamp(-qkv_clip_, qkv_clip_);
  return flat.unflatten(-1, {-1, width});
}

torch::Tensor AttentionImpl::apply_norm(const Norm& norm, const torch::Tensor& heads) const {
  return norms_all_heads_ ? norm->forward(heads.flatten(2)).view_as(heads) : norm->forward(heads);
}

// The first token of `heads` has position `first`.
torch::Tensor AttentionImpl::apply_rope(const torch::Tensor& heads, const PassContext& context,
                                        int64_t first) const {
  const bool has_rope =
      rope_index_ >= 0 && rope_index_ < static_cast<int64_t>(context.rope_tables.size());
  if (!has_rope) return heads;
  return context.rope_tables[static_cast<size_t>(rope_index_)].apply(heads, first);
}

// Normalises, rotates and scales.
torch::Tensor AttentionImpl::rotate_queries(const torch::Tensor& queries,
                                            const PassContext& context) const {
  const int64_t first = context.past_length;
  const auto rotated = norms_after_rope_ ? apply_norm(q_norm, apply_rope(queries, context, first))
                                         : apply_rope(apply_norm(q_norm, queries), context, first);
  if (!context.query_scales.defined()) return rotated;
  return rotated * context.query_scales.slice(0, first, first + queries.size(1));
}

// `keys` are those of the cache: normalised, unless that comes after RoPE.
torch::Tensor AttentionImpl::rotate_keys(const torch::Tensor& keys,
                                         const PassContext& context) const {
  const auto rotated = apply_rope(keys, context, 0);
  return norms_after_rope_ ? apply_norm(k_norm, rotated) : rotated;
}

torch::Tensor AttentionImpl::attend(const torch::Tensor& q, const torch::Tensor& k,
                                    const torch::Tensor& v, const PassContext& context) const {
  const detail::AutocastScope no_autocast(q.device().type(), false);
  const auto output = add_bias_key(
      detail::softmax_attention(q, k, v, attention_params(context), context.padding_mask), q);
  return detail::with_denominator(output, hook_lse_(output.lse)).z;
}

// Adds the learned key k* and value v* to the attention over all other keys. With s = scale q . k*
// and the denominator D of the other keys:
//   log D' = log(D + e^s),   z' = z D / D' + v* e^s / D'.
detail::AttentionOutput AttentionImpl::add_bias_key(const detail::AttentionOutput& output,
                                                    const torch::Tensor& q) const {
  if (!bias_key.defined()) return output;
  const auto repeat_for_queries = [&](const torch::Tensor& rows) {  // [H, d_head]
    return rows.repeat_interleave(q.size(1) / rows.size(0), 0).to(output.lse.scalar_type());
  };
  const auto scores =
      at::einsum("bhtd,hd->bht", {q.to(output.lse.scalar_type()), repeat_for_queries(bias_key)}) *
      params_.scale;
  const auto lse = at::logaddexp(output.lse, scores);
  const auto weight = at::exp(scores - lse).unsqueeze(-1);  // [B, H, T, 1]
  const auto bias_output = weight * repeat_for_queries(bias_value).unsqueeze(1);
  const auto keys_output = detail::with_denominator(output, lse);
  return {keys_output.z + bias_output.to(keys_output.z.scalar_type()), lse};
}

// Computes the whole T x S matrices, so that hooks can see and replace scores and pattern:
//   pattern = exp(scores - lse),   z = pattern V + (z of the learned key).
// A hook on lse that replaces the denominator D = e^lse by D' multiplies both terms by D / D' =
// exp(lse - lse').
torch::Tensor AttentionImpl::attend_with_hooks(const torch::Tensor& q, const torch::Tensor& k,
                                               const torch::Tensor& v,
                                               const PassContext& context) const {
  const detail::AutocastScope no_autocast(q.device().type(), false);
  const auto params = attention_params(context);
  const auto span = detail::whole_span(q.size(2), k.size(2));
  const auto scores =
      hook_scores_(detail::scores(q, k, params, context.padding_mask, span));  // [B, H, T, S]
  const auto keys_lse = detail::denominator(scores, params, span);             // [B, H, T]
  const auto zeros = at::zeros({q.size(0), q.size(1), q.size(2), v.size(3)}, v.options());
  const auto bias = add_bias_key({zeros, keys_lse}, q);  // z: of the learned key; lse: of all keys
  auto pattern = detail::pattern(scores, bias.lse, params, span);  // [B, H, T, S]
  const auto new_lse = hook_lse_(bias.lse);
  if (!new_lse.is_same(bias.lse)) pattern = pattern * at::exp(bias.lse - new_lse).unsqueeze(-1);
  return detail::weighted_values(hook_pattern_(pattern), v) +
         detail::with_denominator(bias, new_lse).z;
}

}  // namespace spikesink
