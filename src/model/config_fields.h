#pragma once

#include "detail/json_fields.h"
#include "spikesink/model/model_config.h"

// The fields of ModelConfig, for the library's own JSON format.

namespace spikesink {

namespace detail {
template <>
inline constexpr int kValuesOf<Activation> = 7;
template <>
inline constexpr int kValuesOf<NormKind> = 5;
template <>
inline constexpr int kValuesOf<NormPlacement> = 4;
template <>
inline constexpr int kValuesOf<ResidualForm> = 3;
template <>
inline constexpr int kValuesOf<QkNorm> = 4;
template <>
inline constexpr int kValuesOf<OutputHead> = 3;
template <>
inline constexpr int kValuesOf<Alibi> = 3;
template <>
inline constexpr int kValuesOf<RopeScalingKind> = 6;
template <>
inline constexpr int kValuesOf<MixerKind> = 2;
template <>
inline constexpr int kValuesOf<FeedForwardKind> = 3;
template <>
inline constexpr int kValuesOf<AttentionForm> = 4;
template <>
inline constexpr int kValuesOf<GateInput> = 5;
template <>
inline constexpr int kValuesOf<GateWidth> = 3;
template <>
inline constexpr int kValuesOf<RouterScore> = 4;
template <>
inline constexpr int kValuesOf<GroupScore> = 2;
}  // namespace detail

template <typename Visitor>
void visit_fields(Visitor& visit, ActivationConfig& activation) {
  visit("kind", activation.kind);
  visit("sigmoid_slope", activation.sigmoid_slope);
}

template <typename Visitor>
void visit_fields(Visitor& visit, NormConfig& norm) {
  visit("kind", norm.kind);
  visit("epsilon", norm.epsilon);
  visit("centred", norm.centred);
  visit("has_scale", norm.has_scale);
  visit("scale_plus_one", norm.scale_plus_one);
  visit("has_bias", norm.has_bias);
  visit("scale_in_float32", norm.scale_in_float32);
}

template <typename Visitor>
void visit_fields(Visitor& visit, RopeScaling& scaling) {
  visit("kind", scaling.kind);
  visit("factor", scaling.factor);
  visit("original_context", scaling.original_context);
  visit("low_frequency_factor", scaling.low_frequency_factor);
  visit("high_frequency_factor", scaling.high_frequency_factor);
  visit("beta_fast", scaling.beta_fast);
  visit("beta_slow", scaling.beta_slow);
  visit("truncate", scaling.truncate);
  visit("attention_factor", scaling.attention_factor);
  visit("short_factors", scaling.short_factors);
  visit("long_factors", scaling.long_factors);
}

template <typename Visitor>
void visit_fields(Visitor& visit, RopeConfig& rope) {
  visit("theta", rope.theta);
  visit("dimensions", rope.dimensions);
  visit("scaling", rope.scaling);
}

template <typename Visitor>
void visit_fields(Visitor& visit, DeltaNetConfig& delta_net) {
  visit("n_key_heads", delta_net.n_key_heads);
  visit("n_value_heads", delta_net.n_value_heads);
  visit("d_key", delta_net.d_key);
  visit("d_value", delta_net.d_value);
  visit("kernel", delta_net.kernel);
}

template <typename Visitor>
void visit_fields(Visitor& visit, LayerConfig& layer) {
  visit("mixer", layer.mixer);
  visit("window", layer.window);
  visit("rope", layer.rope);
  visit("has_experts", layer.has_experts);
}

template <typename Visitor>
void visit_fields(Visitor& visit, ExpertsConfig& experts) {
  visit("count", experts.count);
  visit("experts_per_token", experts.experts_per_token);
  visit("d_mlp", experts.d_mlp);
  visit("d_shared", experts.d_shared);
  visit("shared_gate", experts.shared_gate);
  visit("router_bias", experts.router_bias);
  visit("score", experts.score);
  visit("mixer_range", experts.mixer_range);
  visit("choice_bias", experts.choice_bias);
  visit("groups", experts.groups);
  visit("groups_per_token", experts.groups_per_token);
  visit("group_score", experts.group_score);
  visit("renormalized", experts.renormalized);
  visit("least_sum", experts.least_sum);
  visit("weight_scale", experts.weight_scale);
}

template <typename Visitor>
void visit_fields(Visitor& visit, LatentConfig& latent) {
  visit("kv_rank", latent.kv_rank);
  visit("q_rank", latent.q_rank);
  visit("d_rope", latent.d_rope);
  visit("norm", latent.norm);
  visit("adjacent_pairs", latent.adjacent_pairs);
}

template <typename Visitor>
void visit_fields(Visitor& visit, GateConfig& gate) {
  visit("input", gate.input);
  visit("width", gate.width);
}

template <typename Visitor>
void visit_fields(Visitor& visit, QueryScale& scale) {
  visit("growth", scale.growth);
  visit("interval", scale.interval);
}

template <typename Visitor>
void visit_fields(Visitor& visit, ModelConfig& config) {
  visit("n_layers", config.n_layers);
  visit("d_model", config.d_model);
  visit("d_mlp", config.d_mlp);
  visit("d_vocabulary", config.d_vocabulary);
  visit("context", config.context);
  visit("layers", config.layers);
  visit("d_embedding", config.d_embedding);
  visit("embedding_multiplier", config.embedding_multiplier);
  visit("learned_positions", config.learned_positions);
  visit("position_offset", config.position_offset);
  visit("padding_id", config.padding_id);
  visit("n_token_types", config.n_token_types);
  visit("embedding_norm", config.embedding_norm);
  visit("norm", config.norm);
  visit("norm_placement", config.norm_placement);
  visit("residual", config.residual);
  visit("residual_multiplier", config.residual_multiplier);
  visit("n_heads", config.n_heads);
  visit("n_key_value_heads", config.n_key_value_heads);
  visit("d_head", config.d_head);
  visit("d_value", config.d_value);
  visit("latent", config.latent);
  visit("causal", config.causal);
  visit("qkv_bias", config.qkv_bias);
  visit("attention_output_bias", config.attention_output_bias);
  visit("attention_scale", config.attention_scale);
  visit("scale_by_layer", config.scale_by_layer);
  visit("attention_softcap", config.attention_softcap);
  visit("qkv_clip", config.qkv_clip);
  visit("attention_form", config.attention_form);
  visit("gate", config.gate);
  visit("learned_key_value", config.learned_key_value);
  visit("sink_logits", config.sink_logits);
  visit("qk_norm", config.qk_norm);
  visit("qk_norm_config", config.qk_norm_config);
  visit("qk_norm_after_rope", config.qk_norm_after_rope);
  visit("query_scale", config.query_scale);
  visit("ropes", config.ropes);
  visit("alibi", config.alibi);
  visit("delta_net", config.delta_net);
  visit("feed_forward", config.feed_forward);
  visit("gated", config.gated);
  visit("activation", config.activation);
  visit("mlp_bias", config.mlp_bias);
  visit("mlp_clamp", config.mlp_clamp);
  visit("up_offset", config.up_offset);
  visit("experts", config.experts);
  visit("final_norm", config.final_norm);
  visit("head", config.head);
  visit("tied_embeddings", config.tied_embeddings);
  visit("unembedding_bias", config.unembedding_bias);
  visit("logit_multiplier", config.logit_multiplier);
  visit("logit_softcap", config.logit_softcap);
}

}  // namespace spikesink
