#include "model/architectures/known_keys.h"

// Written by scripts/gguf_keys.py from llama.cpp 0c1e57098bba43ac29e6e3b677cdceebdd22334f.

namespace spikesink::detail {
namespace {

// clang-format off
constexpr std::string_view kLlamaCppKeys[] = {
    "attention.causal", "attention.head_count", "attention.head_count_kv", "attention.key_length",
    "attention.key_length_swa", "attention.value_length", "attention.value_length_swa",
    "block_count", "context_length", "embedding_length", "expert_count", "expert_group_count",
    "expert_group_used_count", "expert_used_count", "feed_forward_length", "nextn_predict_layers",
    "rope.dimension_count", "rope.dimension_count_swa", "rope.freq_base", "rope.scale_linear",
    "rope.scaling.alpha", "rope.scaling.attn_factor", "rope.scaling.factor",
    "rope.scaling.original_context_length", "rope.scaling.type"};
constexpr std::string_view kLlamaCppKeysArcee[] = {
    "attention.layer_norm_rms_epsilon"};
constexpr std::string_view kLlamaCppKeysChatglm[] = {
    "attention.layer_norm_rms_epsilon"};
constexpr std::string_view kLlamaCppKeysCohere2[] = {
    "attention.layer_norm_epsilon", "attention.sliding_window",
    "attention.sliding_window_pattern", "logit_scale", "rope.freq_base_swa"};
constexpr std::string_view kLlamaCppKeysCommandR[] = {
    "attention.layer_norm_epsilon", "logit_scale"};
constexpr std::string_view kLlamaCppKeysDbrx[] = {
    "attention.clamp_kqv", "attention.layer_norm_epsilon"};
constexpr std::string_view kLlamaCppKeysDeepseek2[] = {
    "attention.key_length_mla", "attention.kv_lora_rank", "attention.layer_norm_rms_epsilon",
    "attention.q_lora_rank", "attention.temperature_length", "attention.temperature_scale",
    "attention.value_length_mla", "expert_feed_forward_length", "expert_gating_func",
    "expert_shared_count", "expert_weights_norm", "expert_weights_scale",
    "leading_dense_block_count", "rope.scaling.yarn_log_multiplier"};
constexpr std::string_view kLlamaCppKeysErnie45[] = {
    "attention.layer_norm_rms_epsilon", "rope.dimension_sections"};
constexpr std::string_view kLlamaCppKeysErnie45Moe[] = {
    "attention.layer_norm_rms_epsilon", "expert_feed_forward_length",
    "expert_shared_feed_forward_length", "interleave_moe_layer_step", "leading_dense_block_count",
    "rope.dimension_sections"};
constexpr std::string_view kLlamaCppKeysExaone4[] = {
    "attention.layer_norm_rms_epsilon", "attention.sliding_window",
    "attention.sliding_window_pattern", "rope.freq_base_swa"};
constexpr std::string_view kLlamaCppKeysFalcon[] = {
    "attention.layer_norm_epsilon"};
constexpr std::string_view kLlamaCppKeysGemma[] = {
    "attention.layer_norm_rms_epsilon"};
constexpr std::string_view kLlamaCppKeysGemma2[] = {
    "attention.layer_norm_rms_epsilon", "attention.sliding_window",
    "attention.sliding_window_pattern", "attn_logit_softcapping", "final_logit_softcapping",
    "rope.freq_base_swa"};
constexpr std::string_view kLlamaCppKeysGemma3[] = {
    "attention.layer_norm_rms_epsilon", "attention.sliding_window",
    "attention.sliding_window_pattern", "final_logit_softcapping", "rope.freq_base_swa"};
constexpr std::string_view kLlamaCppKeysGlm4[] = {
    "attention.layer_norm_rms_epsilon", "rope.dimension_sections"};
constexpr std::string_view kLlamaCppKeysGlm4moe[] = {
    "attention.layer_norm_rms_epsilon", "expert_feed_forward_length", "expert_gating_func",
    "expert_shared_count", "expert_weights_norm", "expert_weights_scale",
    "leading_dense_block_count", "rope.dimension_sections"};
constexpr std::string_view kLlamaCppKeysGptOss[] = {
    "attention.layer_norm_rms_epsilon", "attention.sliding_window",
    "attention.sliding_window_pattern", "expert_feed_forward_length", "rope.freq_base_swa"};
constexpr std::string_view kLlamaCppKeysGpt2[] = {
    "attention.layer_norm_epsilon"};
constexpr std::string_view kLlamaCppKeysHunyuanDense[] = {
    "attention.layer_norm_rms_epsilon", "rope.dimension_sections"};
constexpr std::string_view kLlamaCppKeysLlama[] = {
    "attention.layer_norm_rms_epsilon"};
constexpr std::string_view kLlamaCppKeysMinimaxM2[] = {
    "attention.layer_norm_rms_epsilon", "expert_feed_forward_length", "expert_gating_func"};
constexpr std::string_view kLlamaCppKeysNemotron[] = {
    "attention.layer_norm_epsilon"};
constexpr std::string_view kLlamaCppKeysOlmoe[] = {
    "attention.layer_norm_rms_epsilon"};
constexpr std::string_view kLlamaCppKeysPhi3[] = {
    "attention.layer_norm_rms_epsilon", "attention.sliding_window"};
constexpr std::string_view kLlamaCppKeysQwen2[] = {
    "attention.layer_norm_rms_epsilon"};
constexpr std::string_view kLlamaCppKeysQwen3[] = {
    "attention.layer_norm_rms_epsilon"};
constexpr std::string_view kLlamaCppKeysSeedOss[] = {
    "attention.layer_norm_rms_epsilon"};
constexpr std::string_view kLlamaCppKeysStarcoder2[] = {
    "attention.layer_norm_epsilon"};

constexpr KeyTable kLlamaCppKeysTables[] = {
    {"", kLlamaCppKeys},
    {"arcee", kLlamaCppKeysArcee},
    {"chatglm", kLlamaCppKeysChatglm},
    {"cohere2", kLlamaCppKeysCohere2},
    {"command-r", kLlamaCppKeysCommandR},
    {"dbrx", kLlamaCppKeysDbrx},
    {"deepseek2", kLlamaCppKeysDeepseek2},
    {"ernie4_5", kLlamaCppKeysErnie45},
    {"ernie4_5-moe", kLlamaCppKeysErnie45Moe},
    {"exaone4", kLlamaCppKeysExaone4},
    {"falcon", kLlamaCppKeysFalcon},
    {"gemma", kLlamaCppKeysGemma},
    {"gemma2", kLlamaCppKeysGemma2},
    {"gemma3", kLlamaCppKeysGemma3},
    {"glm4", kLlamaCppKeysGlm4},
    {"glm4moe", kLlamaCppKeysGlm4moe},
    {"gpt-oss", kLlamaCppKeysGptOss},
    {"gpt2", kLlamaCppKeysGpt2},
    {"hunyuan-dense", kLlamaCppKeysHunyuanDense},
    {"llama", kLlamaCppKeysLlama},
    {"minimax-m2", kLlamaCppKeysMinimaxM2},
    {"nemotron", kLlamaCppKeysNemotron},
    {"olmoe", kLlamaCppKeysOlmoe},
    {"phi3", kLlamaCppKeysPhi3},
    {"qwen2", kLlamaCppKeysQwen2},
    {"qwen3", kLlamaCppKeysQwen3},
    {"seed_oss", kLlamaCppKeysSeedOss},
    {"starcoder2", kLlamaCppKeysStarcoder2},
};
// clang-format on

}  // namespace

std::span<const KeyTable> llama_cpp_keys() {
  return kLlamaCppKeysTables;
}

}  // namespace spikesink::detail
