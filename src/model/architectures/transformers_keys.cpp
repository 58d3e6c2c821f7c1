#include "model/architectures/known_keys.h"

// Written by scripts/config_keys.py from transformers 5.24.0.

namespace spikesink::detail {
namespace {

// clang-format off
constexpr std::string_view kTransformersKeysAfmoe[] = {
    "attention_bias", "global_attn_every_n_layers", "head_dim", "hidden_act", "hidden_size",
    "intermediate_size", "is_causal", "layer_types", "max_position_embeddings",
    "moe_intermediate_size", "mup_enabled", "num_attention_heads", "num_dense_layers",
    "num_experts", "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads",
    "num_shared_experts", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling",
    "rope_theta", "route_scale", "sliding_window", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysApertus[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysArcee[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "mlp_bias", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling",
    "rope_theta", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysBert[] = {
    "hidden_act", "hidden_size", "intermediate_size", "is_causal", "is_decoder", "layer_norm_eps",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "per_layer_config",
    "quantization_config", "tie_word_embeddings", "type_vocab_size", "vocab_size"};
constexpr std::string_view kTransformersKeysBiogpt[] = {
    "hidden_act", "hidden_size", "intermediate_size", "is_causal", "max_position_embeddings",
    "num_attention_heads", "num_hidden_layers", "per_layer_config", "quantization_config",
    "scale_embedding", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysBloom[] = {
    "apply_residual_connection_post_layernorm", "hidden_size", "is_causal", "layer_norm_epsilon",
    "n_embed", "n_head", "n_layer", "num_attention_heads", "num_hidden_layers",
    "per_layer_config", "quantization_config", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysCodegen[] = {
    "activation_function", "hidden_size", "is_causal", "layer_norm_epsilon",
    "max_position_embeddings", "n_embd", "n_head", "n_inner", "n_layer", "n_positions",
    "num_attention_heads", "num_hidden_layers", "per_layer_config", "quantization_config",
    "rotary_dim", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysCohere[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "layer_norm_eps", "logit_scale", "max_position_embeddings", "num_attention_heads",
    "num_hidden_layers", "num_key_value_heads", "original_max_position_embeddings",
    "partial_rotary_factor", "per_layer_config", "quantization_config", "rope_parameters",
    "rope_scaling", "rope_theta", "tie_word_embeddings", "use_qk_norm", "vocab_size"};
constexpr std::string_view kTransformersKeysCohere2[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "layer_norm_eps", "layer_types", "logit_scale", "max_position_embeddings",
    "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rope_parameters", "rope_scaling", "rope_theta", "sliding_window",
    "sliding_window_pattern", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysDbrx[] = {
    "attn_config", "d_model", "ffn_act_fn", "ffn_config", "ffn_hidden_size", "head_dim",
    "hidden_size", "is_causal", "max_position_embeddings", "max_seq_len", "moe_jitter_eps",
    "moe_num_experts", "n_heads", "n_layers", "num_attention_heads", "num_hidden_layers",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rope_parameters", "rope_scaling", "rope_theta", "tie_word_embeddings",
    "vocab_size"};
constexpr std::string_view kTransformersKeysDbrxAttnConfig[] = {
    "clip_qkv", "kv_n_heads", "rope_theta"};
constexpr std::string_view kTransformersKeysDbrxFfnConfig[] = {
    "moe_loss_weight", "moe_normalize_expert_weights", "moe_num_experts", "moe_top_k"};
constexpr std::string_view kTransformersKeysDeepseekV2[] = {
    "attention_bias", "first_k_dense_replace", "head_dim", "hidden_act", "hidden_size",
    "intermediate_size", "is_causal", "kv_lora_rank", "max_position_embeddings", "mlp_bias",
    "moe_intermediate_size", "n_group", "n_routed_experts", "n_shared_experts",
    "num_attention_heads", "num_experts", "num_experts_per_tok", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "routed_scaling_factor", "tie_word_embeddings", "topk_group", "topk_method", "v_head_dim",
    "vocab_size"};
constexpr std::string_view kTransformersKeysDeepseekV3[] = {
    "attention_bias", "first_k_dense_replace", "head_dim", "hidden_act", "hidden_size",
    "intermediate_size", "is_causal", "kv_lora_rank", "max_position_embeddings",
    "moe_intermediate_size", "n_group", "n_routed_experts", "n_shared_experts", "norm_topk_prob",
    "num_attention_heads", "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads",
    "num_local_experts", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim",
    "quantization_config", "rms_norm_eps", "rope_interleave", "rope_parameters", "rope_scaling",
    "rope_theta", "routed_scaling_factor", "tie_word_embeddings", "topk_group", "v_head_dim",
    "vocab_size"};
constexpr std::string_view kTransformersKeysErnie45[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "use_bias", "vocab_size"};
constexpr std::string_view kTransformersKeysErnie45Moe[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "moe_intermediate_size", "moe_k", "moe_layer_end_index",
    "moe_layer_interval", "moe_layer_start_index", "moe_norm_min", "moe_num_experts",
    "moe_num_shared_experts", "num_attention_heads", "num_experts", "num_experts_per_tok",
    "num_hidden_layers", "num_key_value_heads", "original_max_position_embeddings",
    "partial_rotary_factor", "per_layer_config", "quantization_config", "rms_norm_eps",
    "rope_parameters", "rope_scaling", "rope_theta", "tie_word_embeddings", "use_bias",
    "vocab_size"};
constexpr std::string_view kTransformersKeysExaone4[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal", "layer_types",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "sliding_window", "sliding_window_pattern", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysFalcon[] = {
    "activation", "alibi", "bias", "ffn_hidden_size", "head_dim", "hidden_size", "is_causal",
    "layer_norm_epsilon", "max_position_embeddings", "multi_query", "n_embed",
    "new_decoder_architecture", "num_attention_heads", "num_hidden_layers", "num_kv_heads",
    "num_ln_in_parallel_attn", "original_max_position_embeddings", "parallel_attn",
    "partial_rotary_factor", "per_layer_config", "quantization_config", "rope_parameters",
    "rope_scaling", "rope_theta", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysFlexOlmo[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "norm_topk_prob", "num_attention_heads", "num_experts",
    "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads", "num_local_experts",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysGemma[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "use_bidirectional_attention", "vocab_size"};
constexpr std::string_view kTransformersKeysGemma2[] = {
    "attention_bias", "attn_logit_softcapping", "final_logit_softcapping", "head_dim",
    "hidden_activation", "hidden_size", "intermediate_size", "is_causal", "layer_types",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "query_pre_attn_scalar", "rms_norm_eps", "rope_parameters",
    "rope_scaling", "rope_theta", "sliding_window", "tie_word_embeddings",
    "use_bidirectional_attention", "vocab_size"};
constexpr std::string_view kTransformersKeysGemma3[] = {
    "image_token_id", "image_token_index", "mm_tokens_per_image", "per_layer_config",
    "quantization_config", "text_config", "tie_word_embeddings", "vision_config"};
constexpr std::string_view kTransformersKeysGemma3Text[] = {
    "attention_bias", "attn_logit_softcapping", "final_logit_softcapping", "head_dim",
    "hidden_activation", "hidden_size", "intermediate_size", "is_causal", "layer_types",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "query_pre_attn_scalar", "rms_norm_eps", "rope_local_base_freq",
    "rope_parameters", "rope_scaling", "rope_theta", "sliding_window", "sliding_window_pattern",
    "tie_word_embeddings", "use_bidirectional_attention", "vocab_size"};
constexpr std::string_view kTransformersKeysGlm[] = {
    "attention_bias", "eos_token_id", "head_dim", "hidden_act", "hidden_size",
    "intermediate_size", "is_causal", "max_position_embeddings", "num_attention_heads",
    "num_hidden_layers", "num_key_value_heads", "original_max_position_embeddings",
    "partial_rotary_factor", "per_layer_config", "quantization_config", "rms_norm_eps",
    "rope_parameters", "rope_scaling", "rope_theta", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysGlm4[] = {
    "attention_bias", "eos_token_id", "head_dim", "hidden_act", "hidden_size",
    "intermediate_size", "is_causal", "max_position_embeddings", "num_attention_heads",
    "num_hidden_layers", "num_key_value_heads", "original_max_position_embeddings",
    "partial_rotary_factor", "per_layer_config", "quantization_config", "rms_norm_eps",
    "rope_parameters", "rope_scaling", "rope_theta", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysGlm4Moe[] = {
    "attention_bias", "first_k_dense_replace", "head_dim", "hidden_act", "hidden_size",
    "intermediate_size", "is_causal", "max_position_embeddings", "moe_intermediate_size",
    "n_group", "n_routed_experts", "n_shared_experts", "norm_topk_prob", "num_attention_heads",
    "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads", "num_local_experts",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "routed_scaling_factor", "tie_word_embeddings", "topk_group", "use_qk_norm", "vocab_size"};
constexpr std::string_view kTransformersKeysGlm4MoeLite[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "kv_lora_rank", "max_position_embeddings", "mlp_layer_types", "moe_intermediate_size",
    "n_group", "n_routed_experts", "n_shared_experts", "norm_topk_prob", "num_attention_heads",
    "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads", "num_local_experts",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "quantization_config", "rms_norm_eps",
    "rope_interleave", "rope_parameters", "rope_scaling", "rope_theta", "routed_scaling_factor",
    "tie_word_embeddings", "topk_group", "v_head_dim", "vocab_size"};
constexpr std::string_view kTransformersKeysGpt2[] = {
    "activation_function", "hidden_size", "is_causal", "layer_norm_epsilon",
    "max_position_embeddings", "n_embd", "n_head", "n_inner", "n_layer", "n_positions",
    "num_attention_heads", "num_hidden_layers", "per_layer_config", "quantization_config",
    "scale_attn_by_inverse_layer_idx", "scale_attn_weights", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysGptBigcode[] = {
    "activation_function", "attention_softmax_in_fp32", "hidden_size", "is_causal",
    "layer_norm_epsilon", "max_position_embeddings", "multi_query", "n_embd", "n_head", "n_inner",
    "n_layer", "n_positions", "num_attention_heads", "num_hidden_layers", "per_layer_config",
    "quantization_config", "scale_attention_softmax_in_fp32", "scale_attn_weights",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysGptNeo[] = {
    "activation_function", "attention_layers", "attention_types", "hidden_size",
    "intermediate_size", "is_causal", "layer_norm_epsilon", "max_position_embeddings",
    "num_attention_heads", "num_heads", "num_hidden_layers", "num_layers", "per_layer_config",
    "quantization_config", "tie_word_embeddings", "vocab_size", "window_size"};
constexpr std::string_view kTransformersKeysGptNeox[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "layer_norm_eps", "max_position_embeddings", "num_attention_heads", "num_hidden_layers",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rope_parameters", "rope_scaling", "rope_theta", "rotary_emb_base",
    "rotary_pct", "tie_word_embeddings", "use_parallel_residual", "vocab_size"};
constexpr std::string_view kTransformersKeysGptOss[] = {
    "attention_bias", "head_dim", "hidden_size", "intermediate_size", "is_causal", "layer_types",
    "max_position_embeddings", "num_attention_heads", "num_experts", "num_experts_per_tok",
    "num_hidden_layers", "num_key_value_heads", "num_local_experts",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "sliding_window", "swiglu_alpha", "swiglu_limit", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysGptj[] = {
    "activation_function", "hidden_size", "is_causal", "layer_norm_epsilon",
    "max_position_embeddings", "n_embd", "n_head", "n_inner", "n_layer", "n_positions",
    "num_attention_heads", "num_hidden_layers", "per_layer_config", "quantization_config",
    "rotary_dim", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysGranite[] = {
    "attention_bias", "attention_multiplier", "embedding_multiplier", "head_dim", "hidden_act",
    "hidden_size", "intermediate_size", "is_causal", "logits_scaling", "max_position_embeddings",
    "mlp_bias", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "residual_multiplier", "rms_norm_eps", "rope_parameters",
    "rope_scaling", "rope_theta", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysGranitemoe[] = {
    "attention_bias", "attention_multiplier", "embedding_multiplier", "head_dim", "hidden_act",
    "hidden_size", "intermediate_size", "is_causal", "logits_scaling", "max_position_embeddings",
    "num_attention_heads", "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads",
    "num_local_experts", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "residual_multiplier", "rms_norm_eps",
    "rope_parameters", "rope_scaling", "rope_theta", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysGranitemoeshared[] = {
    "attention_bias", "attention_multiplier", "embedding_multiplier", "head_dim", "hidden_act",
    "hidden_size", "intermediate_size", "is_causal", "logits_scaling", "max_position_embeddings",
    "num_attention_heads", "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads",
    "num_local_experts", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "residual_multiplier", "rms_norm_eps",
    "rope_parameters", "rope_scaling", "rope_theta", "shared_intermediate_size",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysHelium[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "mlp_bias", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling",
    "rope_theta", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysHunyuanV1Dense[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysKimiK2[] = {
    "attention_bias", "first_k_dense_replace", "head_dim", "hidden_act", "hidden_size",
    "intermediate_size", "is_causal", "kv_lora_rank", "max_position_embeddings",
    "moe_intermediate_size", "n_group", "n_routed_experts", "n_shared_experts", "norm_topk_prob",
    "num_attention_heads", "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads",
    "num_local_experts", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim",
    "quantization_config", "rms_norm_eps", "rope_interleave", "rope_parameters", "rope_scaling",
    "rope_theta", "routed_scaling_factor", "tie_word_embeddings", "topk_group", "v_head_dim",
    "vocab_size"};
constexpr std::string_view kTransformersKeysLlama[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "mlp_bias", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling",
    "rope_theta", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysLlava[] = {
    "image_token_id", "image_token_index", "multimodal_projector_bias", "per_layer_config",
    "projector_hidden_act", "quantization_config", "text_config", "tie_word_embeddings",
    "vision_config", "vision_feature_layer"};
constexpr std::string_view kTransformersKeysMinicpm3[] = {
    "attention_bias", "dim_model_base", "head_dim", "hidden_act", "hidden_size",
    "intermediate_size", "is_causal", "kv_lora_rank", "logits_scaling", "max_position_embeddings",
    "mlp_bias", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "quantization_config", "rms_norm_eps",
    "rope_parameters", "rope_scaling", "rope_theta", "scale_depth", "scale_emb",
    "tie_word_embeddings", "v_head_dim", "vocab_size"};
constexpr std::string_view kTransformersKeysMinimaxM2[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "num_attention_heads", "num_experts", "num_experts_per_tok",
    "num_hidden_layers", "num_key_value_heads", "num_local_experts",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_theta", "rotary_dim",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysMinistral3[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "sliding_window", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysMistral[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "sliding_window", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysMistral3[] = {
    "image_token_id", "image_token_index", "multimodal_projector_bias", "per_layer_config",
    "projector_hidden_act", "quantization_config", "spatial_merge_size", "text_config",
    "tie_word_embeddings", "vision_config", "vision_feature_layer"};
constexpr std::string_view kTransformersKeysMixtral[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "num_attention_heads", "num_experts", "num_experts_per_tok",
    "num_hidden_layers", "num_key_value_heads", "num_local_experts",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "sliding_window", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysMpt[] = {
    "attn_config", "d_model", "hidden_size", "is_causal", "layer_norm_epsilon", "max_seq_len",
    "n_heads", "n_layers", "num_attention_heads", "num_hidden_layers", "per_layer_config",
    "quantization_config", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysMptAttnConfig[] = {
    "clip_qkv", "softmax_scale"};
constexpr std::string_view kTransformersKeysNemotron[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "mlp_bias", "norm_eps", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysOlmo[] = {
    "attention_bias", "clip_qkv", "head_dim", "hidden_act", "hidden_size", "intermediate_size",
    "is_causal", "max_position_embeddings", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysOlmo2[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysOlmo3[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "layer_types", "max_position_embeddings", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling",
    "rope_theta", "sliding_window", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysOlmoe[] = {
    "attention_bias", "clip_qkv", "head_dim", "hidden_act", "hidden_size", "intermediate_size",
    "is_causal", "max_position_embeddings", "norm_topk_prob", "num_attention_heads",
    "num_experts", "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads",
    "num_local_experts", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling",
    "rope_theta", "sliding_window", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysOpenaiGpt[] = {
    "afn", "hidden_size", "layer_norm_epsilon", "max_position_embeddings", "n_embd", "n_head",
    "n_layer", "n_positions", "num_attention_heads", "num_hidden_layers", "per_layer_config",
    "quantization_config", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysOpt[] = {
    "_remove_final_layer_norm", "activation_function", "do_layer_norm_before", "enable_bias",
    "ffn_dim", "hidden_size", "is_causal", "layer_norm_elementwise_affine",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "per_layer_config",
    "quantization_config", "tie_word_embeddings", "vocab_size", "word_embed_proj_dim"};
constexpr std::string_view kTransformersKeysPhi[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal", "layer_norm_eps",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "qk_layernorm", "quantization_config", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysPhi3[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "sliding_window", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysPhimoe[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "input_jitter_noise",
    "intermediate_size", "is_causal", "lm_head_bias", "max_position_embeddings",
    "num_attention_heads", "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads",
    "num_local_experts", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling",
    "rope_theta", "sliding_window", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysQwen2[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal", "layer_types",
    "max_position_embeddings", "max_window_layers", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling",
    "rope_theta", "sliding_window", "tie_word_embeddings", "use_sliding_window", "vocab_size"};
constexpr std::string_view kTransformersKeysQwen25Vl[] = {
    "image_token_id", "per_layer_config", "quantization_config", "text_config",
    "tie_word_embeddings", "torch_dtype", "video_token_id", "vision_config"};
constexpr std::string_view kTransformersKeysQwen25VlText[] = {
    "hidden_act", "hidden_size", "intermediate_size", "is_causal", "layer_types",
    "max_position_embeddings", "max_window_layers", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling",
    "rope_theta", "sliding_window", "tie_word_embeddings", "use_sliding_window", "vocab_size"};
constexpr std::string_view kTransformersKeysQwen2Moe[] = {
    "decoder_sparse_step", "head_dim", "hidden_act", "hidden_size", "intermediate_size",
    "is_causal", "layer_types", "max_position_embeddings", "max_window_layers", "mlp_only_layers",
    "moe_intermediate_size", "norm_topk_prob", "num_attention_heads", "num_experts",
    "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config", "qkv_bias",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "shared_expert_intermediate_size", "sliding_window", "tie_word_embeddings",
    "use_sliding_window", "vocab_size"};
constexpr std::string_view kTransformersKeysQwen2Vl[] = {
    "image_token_id", "per_layer_config", "quantization_config", "text_config",
    "tie_word_embeddings", "torch_dtype", "video_token_id", "vision_config"};
constexpr std::string_view kTransformersKeysQwen2VlText[] = {
    "hidden_act", "hidden_size", "intermediate_size", "is_causal", "layer_types",
    "max_position_embeddings", "max_window_layers", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling",
    "rope_theta", "sliding_window", "tie_word_embeddings", "use_sliding_window", "vocab_size"};
constexpr std::string_view kTransformersKeysQwen3[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "layer_types", "max_position_embeddings", "max_window_layers", "num_attention_heads",
    "num_hidden_layers", "num_key_value_heads", "original_max_position_embeddings",
    "partial_rotary_factor", "per_layer_config", "quantization_config", "rms_norm_eps",
    "rope_parameters", "rope_scaling", "rope_theta", "sliding_window", "tie_word_embeddings",
    "use_sliding_window", "vocab_size"};
constexpr std::string_view kTransformersKeysQwen35[] = {
    "attention_bias", "head_dim", "hidden_size", "image_token_id", "num_attention_heads",
    "num_key_value_heads", "per_layer_config", "quantization_config", "rms_norm_eps",
    "text_config", "tie_word_embeddings", "video_token_id", "vision_config"};
constexpr std::string_view kTransformersKeysQwen35Moe[] = {
    "attention_bias", "head_dim", "hidden_size", "image_token_id", "num_attention_heads",
    "num_experts", "num_experts_per_tok", "num_key_value_heads", "per_layer_config",
    "quantization_config", "rms_norm_eps", "text_config", "tie_word_embeddings", "video_token_id",
    "vision_config"};
constexpr std::string_view kTransformersKeysQwen35MoeText[] = {
    "full_attention_interval", "head_dim", "hidden_act", "hidden_size", "is_causal",
    "layer_types", "max_position_embeddings", "moe_intermediate_size", "num_attention_heads",
    "num_experts", "num_experts_per_tok", "num_hidden_layers", "original_max_position_embeddings",
    "partial_rotary_factor", "per_layer_config", "quantization_config", "rms_norm_eps",
    "rope_parameters", "rope_scaling", "rope_theta", "shared_expert_intermediate_size",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysQwen35Text[] = {
    "full_attention_interval", "head_dim", "hidden_size", "intermediate_size", "is_causal",
    "layer_types", "max_position_embeddings", "num_attention_heads", "num_hidden_layers",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysQwen3Moe[] = {
    "attention_bias", "decoder_sparse_step", "head_dim", "hidden_act", "hidden_size",
    "intermediate_size", "is_causal", "max_position_embeddings", "mlp_only_layers",
    "moe_intermediate_size", "norm_topk_prob", "num_attention_heads", "num_experts",
    "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads", "num_local_experts",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "sliding_window", "tie_word_embeddings", "use_sliding_window", "vocab_size"};
constexpr std::string_view kTransformersKeysQwen3Next[] = {
    "attention_bias", "decoder_sparse_step", "full_attention_interval", "head_dim", "hidden_act",
    "hidden_size", "intermediate_size", "is_causal", "layer_types", "linear_conv_kernel_dim",
    "linear_key_head_dim", "linear_num_key_heads", "linear_num_value_heads",
    "linear_value_head_dim", "max_position_embeddings", "mlp_only_layers",
    "moe_intermediate_size", "norm_topk_prob", "num_attention_heads", "num_experts",
    "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "shared_expert_intermediate_size", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysQwen3Vl[] = {
    "image_token_id", "per_layer_config", "quantization_config", "text_config",
    "tie_word_embeddings", "video_token_id", "vision_config"};
constexpr std::string_view kTransformersKeysQwen3VlText[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "layer_types", "max_position_embeddings", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling",
    "rope_theta", "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysRoberta[] = {
    "hidden_act", "hidden_size", "intermediate_size", "is_causal", "is_decoder", "layer_norm_eps",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "pad_token_id",
    "per_layer_config", "quantization_config", "tie_word_embeddings", "type_vocab_size",
    "vocab_size"};
constexpr std::string_view kTransformersKeysRopeParameters[] = {
    "alpha", "attention_factor", "beta_fast", "beta_slow", "factor", "full_attention",
    "high_freq_factor", "llama_4_scaling_beta", "long_factor", "long_mscale", "low_freq_factor",
    "mrope_section", "mscale", "mscale_all_dim", "original_max_position_embeddings",
    "partial_rotary_factor", "rope_theta", "rope_type", "short_factor", "short_mscale",
    "sliding_attention", "truncate", "type"};
constexpr std::string_view kTransformersKeysSeedOss[] = {
    "attention_bias", "attention_out_bias", "head_dim", "hidden_act", "hidden_size",
    "intermediate_size", "is_causal", "max_position_embeddings", "mlp_bias",
    "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "vocab_size"};
constexpr std::string_view kTransformersKeysSmollm3[] = {
    "attention_bias", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "layer_types", "max_position_embeddings", "mlp_bias", "no_rope_layer_interval",
    "no_rope_layers", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "quantization_config", "rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta",
    "sliding_window", "tie_word_embeddings", "use_sliding_window", "vocab_size"};
constexpr std::string_view kTransformersKeysStablelm[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal", "layer_norm_eps",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "original_max_position_embeddings", "partial_rotary_factor", "per_layer_config",
    "qk_layernorm", "quantization_config", "rope_parameters", "rope_scaling", "rope_theta",
    "tie_word_embeddings", "use_parallel_residual", "use_qkv_bias", "vocab_size"};
constexpr std::string_view kTransformersKeysStarcoder2[] = {
    "head_dim", "hidden_act", "hidden_size", "intermediate_size", "is_causal",
    "max_position_embeddings", "norm_epsilon", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor",
    "per_layer_config", "quantization_config", "rope_parameters", "rope_scaling", "rope_theta",
    "sliding_window", "tie_word_embeddings", "use_bias", "vocab_size"};
constexpr std::string_view kTransformersKeysXglm[] = {
    "activation_function", "attention_heads", "d_model", "ffn_dim", "hidden_size", "is_causal",
    "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_layers",
    "pad_token_id", "per_layer_config", "quantization_config", "scale_embedding",
    "tie_word_embeddings", "vocab_size"};

constexpr KeyTable kTransformersKeysTables[] = {
    {"afmoe", kTransformersKeysAfmoe},
    {"apertus", kTransformersKeysApertus},
    {"arcee", kTransformersKeysArcee},
    {"bert", kTransformersKeysBert},
    {"biogpt", kTransformersKeysBiogpt},
    {"bloom", kTransformersKeysBloom},
    {"codegen", kTransformersKeysCodegen},
    {"cohere", kTransformersKeysCohere},
    {"cohere2", kTransformersKeysCohere2},
    {"dbrx", kTransformersKeysDbrx},
    {"dbrx.attn_config", kTransformersKeysDbrxAttnConfig},
    {"dbrx.ffn_config", kTransformersKeysDbrxFfnConfig},
    {"deepseek_v2", kTransformersKeysDeepseekV2},
    {"deepseek_v3", kTransformersKeysDeepseekV3},
    {"ernie4_5", kTransformersKeysErnie45},
    {"ernie4_5_moe", kTransformersKeysErnie45Moe},
    {"exaone4", kTransformersKeysExaone4},
    {"falcon", kTransformersKeysFalcon},
    {"flex_olmo", kTransformersKeysFlexOlmo},
    {"gemma", kTransformersKeysGemma},
    {"gemma2", kTransformersKeysGemma2},
    {"gemma3", kTransformersKeysGemma3},
    {"gemma3_text", kTransformersKeysGemma3Text},
    {"glm", kTransformersKeysGlm},
    {"glm4", kTransformersKeysGlm4},
    {"glm4_moe", kTransformersKeysGlm4Moe},
    {"glm4_moe_lite", kTransformersKeysGlm4MoeLite},
    {"gpt2", kTransformersKeysGpt2},
    {"gpt_bigcode", kTransformersKeysGptBigcode},
    {"gpt_neo", kTransformersKeysGptNeo},
    {"gpt_neox", kTransformersKeysGptNeox},
    {"gpt_oss", kTransformersKeysGptOss},
    {"gptj", kTransformersKeysGptj},
    {"granite", kTransformersKeysGranite},
    {"granitemoe", kTransformersKeysGranitemoe},
    {"granitemoeshared", kTransformersKeysGranitemoeshared},
    {"helium", kTransformersKeysHelium},
    {"hunyuan_v1_dense", kTransformersKeysHunyuanV1Dense},
    {"kimi_k2", kTransformersKeysKimiK2},
    {"llama", kTransformersKeysLlama},
    {"llava", kTransformersKeysLlava},
    {"minicpm3", kTransformersKeysMinicpm3},
    {"minimax_m2", kTransformersKeysMinimaxM2},
    {"ministral3", kTransformersKeysMinistral3},
    {"mistral", kTransformersKeysMistral},
    {"mistral3", kTransformersKeysMistral3},
    {"mixtral", kTransformersKeysMixtral},
    {"mpt", kTransformersKeysMpt},
    {"mpt.attn_config", kTransformersKeysMptAttnConfig},
    {"nemotron", kTransformersKeysNemotron},
    {"olmo", kTransformersKeysOlmo},
    {"olmo2", kTransformersKeysOlmo2},
    {"olmo3", kTransformersKeysOlmo3},
    {"olmoe", kTransformersKeysOlmoe},
    {"openai-gpt", kTransformersKeysOpenaiGpt},
    {"opt", kTransformersKeysOpt},
    {"phi", kTransformersKeysPhi},
    {"phi3", kTransformersKeysPhi3},
    {"phimoe", kTransformersKeysPhimoe},
    {"qwen2", kTransformersKeysQwen2},
    {"qwen2_5_vl", kTransformersKeysQwen25Vl},
    {"qwen2_5_vl_text", kTransformersKeysQwen25VlText},
    {"qwen2_moe", kTransformersKeysQwen2Moe},
    {"qwen2_vl", kTransformersKeysQwen2Vl},
    {"qwen2_vl_text", kTransformersKeysQwen2VlText},
    {"qwen3", kTransformersKeysQwen3},
    {"qwen3_5", kTransformersKeysQwen35},
    {"qwen3_5_moe", kTransformersKeysQwen35Moe},
    {"qwen3_5_moe_text", kTransformersKeysQwen35MoeText},
    {"qwen3_5_text", kTransformersKeysQwen35Text},
    {"qwen3_moe", kTransformersKeysQwen3Moe},
    {"qwen3_next", kTransformersKeysQwen3Next},
    {"qwen3_vl", kTransformersKeysQwen3Vl},
    {"qwen3_vl_text", kTransformersKeysQwen3VlText},
    {"roberta", kTransformersKeysRoberta},
    {"rope_parameters", kTransformersKeysRopeParameters},
    {"seed_oss", kTransformersKeysSeedOss},
    {"smollm3", kTransformersKeysSmollm3},
    {"stablelm", kTransformersKeysStablelm},
    {"starcoder2", kTransformersKeysStarcoder2},
    {"xglm", kTransformersKeysXglm},
};
// clang-format on

}  // namespace

std::span<const KeyTable> transformers_keys() {
  return kTransformersKeysTables;
}

}  // namespace spikesink::detail
