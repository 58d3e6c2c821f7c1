#include "model/architectures/llama_cpp_keys.h"

#include <algorithm>
#include <span>

// Written by scripts/gguf_keys.py from llama.cpp 0c1e57098bba43ac29e6e3b677cdceebdd22334f.

namespace spikesink::detail {
namespace {

// clang-format off
constexpr std::string_view kLlamaCppAll[] = {
    "attention.causal", "attention.head_count", "attention.head_count_kv", "attention.key_length",
    "attention.key_length_swa", "attention.value_length", "attention.value_length_swa",
    "block_count", "context_length", "embedding_length", "expert_count", "expert_group_count",
    "expert_group_used_count", "expert_used_count", "feed_forward_length", "nextn_predict_layers",
    "rope.dimension_count", "rope.dimension_count_swa", "rope.freq_base", "rope.scale_linear",
    "rope.scaling.alpha", "rope.scaling.attn_factor", "rope.scaling.factor",
    "rope.scaling.original_context_length", "rope.scaling.type"};
constexpr std::string_view kLlamaCppFalcon[] = {
    "attention.layer_norm_epsilon"};
constexpr std::string_view kLlamaCppGemma2[] = {
    "attention.layer_norm_rms_epsilon", "attention.sliding_window",
    "attention.sliding_window_pattern", "attn_logit_softcapping", "final_logit_softcapping",
    "rope.freq_base_swa"};
constexpr std::string_view kLlamaCppGemma3[] = {
    "attention.layer_norm_rms_epsilon", "attention.sliding_window",
    "attention.sliding_window_pattern", "final_logit_softcapping", "rope.freq_base_swa"};
constexpr std::string_view kLlamaCppGptOss[] = {
    "attention.layer_norm_rms_epsilon", "attention.sliding_window",
    "attention.sliding_window_pattern", "expert_feed_forward_length", "rope.freq_base_swa"};
constexpr std::string_view kLlamaCppGpt2[] = {
    "attention.layer_norm_epsilon"};
constexpr std::string_view kLlamaCppLlama[] = {
    "attention.layer_norm_rms_epsilon"};
constexpr std::string_view kLlamaCppPhi3[] = {
    "attention.layer_norm_rms_epsilon", "attention.sliding_window"};
constexpr std::string_view kLlamaCppQwen2[] = {
    "attention.layer_norm_rms_epsilon"};
constexpr std::string_view kLlamaCppQwen3[] = {
    "attention.layer_norm_rms_epsilon"};

struct LlamaCppTable {
  std::string_view architecture;
  std::span<const std::string_view> keys;
};
constexpr LlamaCppTable kLlamaCppTables[] = {
    {"falcon", kLlamaCppFalcon},
    {"gemma2", kLlamaCppGemma2},
    {"gemma3", kLlamaCppGemma3},
    {"gpt-oss", kLlamaCppGptOss},
    {"gpt2", kLlamaCppGpt2},
    {"llama", kLlamaCppLlama},
    {"phi3", kLlamaCppPhi3},
    {"qwen2", kLlamaCppQwen2},
    {"qwen3", kLlamaCppQwen3},
};
// clang-format on

}  // namespace

bool is_read_by_llama_cpp(std::string_view architecture, std::string_view key) {
  const auto* own = std::ranges::find(kLlamaCppTables, architecture, &LlamaCppTable::architecture);
  return std::ranges::binary_search(kLlamaCppAll, key) ||
         (own != std::end(kLlamaCppTables) && std::ranges::binary_search(own->keys, key));
}

}  // namespace spikesink::detail
