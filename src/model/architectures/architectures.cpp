#include <span>

#include "detail/fail.h"
#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {
namespace {

constexpr Architecture<ConfigKeys> kHuggingFace[] = {
    {"afmoe", read_afmoe, afmoe_names},
    {"apertus", read_apertus, apertus_names},
    {"arcee", read_arcee, llama_names},
    {"bert", read_bert, bert_names},
    {"biogpt", read_biogpt, biogpt_names},
    {"bloom", read_bloom, bloom_names},
    {"codegen", read_gptj, codegen_names},
    {"cohere", read_cohere, interleaved_llama_names},
    {"cohere2", read_cohere2, interleaved_llama_names},
    {"dbrx", read_dbrx, dbrx_names},
    {"deepseek_v2", read_deepseek_v2, deepseek_names},
    {"deepseek_v3", read_deepseek_v3, deepseek_names},
    {"ernie4_5", read_ernie4_5, interleaved_llama_names},
    {"ernie4_5_moe", read_ernie4_5_moe, ernie4_5_moe_names},
    {"exaone4", read_exaone4, olmo2_names},
    {"falcon", read_falcon, falcon_names},
    {"flex_olmo", read_flex_olmo, flex_olmo_names},
    {"gemma", read_gemma, llama_names},
    {"gemma2", read_gemma2, gemma_names},
    {"gemma3", read_gemma3, gemma_names},
    {"gemma3_text", read_gemma3_text, gemma_names},
    {"glm", read_glm, glm_names},
    {"glm4", read_glm4, glm4_names},
    {"glm4_moe", read_glm4_moe, glm4_moe_names},
    {"glm4_moe_lite", read_glm4_moe_lite, deepseek_names},
    {"gpt2", read_gpt2, gpt2_names},
    {"gpt_bigcode", read_gpt_bigcode, gpt_bigcode_names},
    {"gpt_neo", read_gpt_neo, gpt_neo_names},
    {"gpt_neox", read_gpt_neox, gpt_neox_names},
    {"gpt_oss", read_gpt_oss, gpt_oss_names},
    {"gptj", read_gptj, gptj_names},
    {"granite", read_granite, llama_names},
    {"granitemoe", read_granitemoe, granitemoe_names},
    {"granitemoeshared", read_granitemoeshared, granitemoe_names},
    {"helium", read_helium, interleaved_llama_names},
    {"hunyuan_v1_dense", read_hunyuan_v1_dense, hunyuan_v1_dense_names},
    {"kimi_k2", read_deepseek_v3, deepseek_names},
    {"llama", read_llama, llama_names},
    {"llava", read_llava, multimodal_names},
    {"minicpm3", read_minicpm3, minicpm3_names},
    {"minimax_m2", read_minimax_m2, minimax_m2_names},
    {"ministral3", read_ministral3, llama_names},
    {"mistral", read_mistral, llama_names},
    {"mistral3", read_mistral3, multimodal_names},
    {"mixtral", read_mixtral, mixtral_names},
    {"mpt", read_mpt, mpt_names},
    {"nemotron", read_nemotron, llama_names},
    {"olmo", read_olmo, llama_names},
    {"olmo2", read_olmo2, olmo2_names},
    {"olmo3", read_olmo3, olmo2_names},
    {"olmoe", read_olmoe, olmoe_names},
    {"openai-gpt", read_openai_gpt, openai_gpt_names},
    {"opt", read_opt, opt_names},
    {"phi", read_phi, phi_names},
    {"phi3", read_phi3, phi3_names},
    {"phimoe", read_phimoe, phimoe_names},
    {"qwen2", read_qwen2, llama_names},
    {"qwen2_5_vl", read_qwen2_5_vl, multimodal_names},
    {"qwen2_5_vl_text", read_qwen2_vl_text, multimodal_names},
    {"qwen2_moe", read_qwen2_moe, qwen_moe_names},
    {"qwen2_vl", read_qwen2_vl, multimodal_names},
    {"qwen2_vl_text", read_qwen2_vl_text, multimodal_names},
    {"qwen3", read_qwen3, qwen3_names},
    {"qwen3_5", read_qwen3_5, qwen3_5_names},
    {"qwen3_5_moe", read_qwen3_5_moe, qwen3_5_names},
    {"qwen3_5_moe_text", read_qwen3_5_moe_text, qwen3_5_names},
    {"qwen3_5_text", read_qwen3_5_text, qwen3_5_names},
    {"qwen3_moe", read_qwen3_moe, qwen_moe_names},
    {"qwen3_next", read_qwen3_next, qwen3_next_names},
    {"qwen3_vl", read_qwen3_vl, multimodal_names},
    {"qwen3_vl_text", read_qwen3_vl_text, multimodal_names},
    {"roberta", read_roberta, roberta_names},
    {"seed_oss", read_seed_oss, llama_names},
    {"smollm3", read_smollm3, llama_names},
    {"spikesink", read_own, own_names},
    {"stablelm", read_stablelm, stablelm_names},
    {"starcoder2", read_starcoder2, starcoder2_names},
    {"xglm", read_xglm, xglm_names},
};

constexpr Architecture<GgufKeys> kGguf[] = {
    {"arcee", read_gguf_arcee, interleaved_gguf_names},
    {"chatglm", read_gguf_glm, gguf_glm_names},
    {"cohere2", read_gguf_cohere2, interleaved_gguf_names},
    {"command-r", read_gguf_cohere, interleaved_gguf_names},
    {"dbrx", read_gguf_dbrx, gguf_dbrx_names},
    {"deepseek2", read_gguf_deepseek2, gguf_deepseek2_names},
    {"ernie4_5", read_gguf_ernie4_5, interleaved_gguf_names},
    {"ernie4_5-moe", read_gguf_ernie4_5_moe, interleaved_gguf_names},
    {"exaone4", read_gguf_exaone4, gguf_gemma_names},
    {"falcon", read_gguf_falcon, gguf_falcon_names},
    {"gemma", read_gguf_gemma, gguf_names},
    {"gemma2", read_gguf_gemma2, gguf_gemma_names},
    {"gemma3", read_gguf_gemma3, gguf_gemma_names},
    {"glm4", read_gguf_glm4, gguf_glm_names},
    {"glm4moe", read_gguf_glm4_moe, gguf_glm4_moe_names},
    {"gpt-oss", read_gguf_gpt_oss, gguf_gpt_oss_names},
    {"gpt2", read_gguf_gpt2, gguf_gpt2_names},
    {"hunyuan-dense", read_gguf_hunyuan_v1_dense, gguf_names},
    {"llama", read_gguf_llama, interleaved_gguf_names},
    {"minimax-m2", read_gguf_minimax_m2, gguf_names},
    {"nemotron", read_gguf_nemotron, gguf_names},
    {"olmoe", read_gguf_olmoe, gguf_names},
    {"phi3", read_gguf_phi3, gguf_phi3_names},
    {"qwen2", read_gguf_qwen2, gguf_names},
    {"qwen3", read_gguf_qwen3, gguf_names},
    {"seed_oss", read_gguf_seed_oss, gguf_seed_oss_names},
    {"starcoder2", read_gguf_starcoder2, gguf_names},
};

template <typename Keys>
const Architecture<Keys>& find_architecture(std::string_view name,
                                            std::span<const Architecture<Keys>> all,
                                            std::string_view key, std::string_view where) {
  std::vector<std::string_view> known;
  for (const auto& candidate : all) {
    if (candidate.name == name) return candidate;
    known.push_back(candidate.name);
  }
  fail_format("[read_model_config] {}: got '{}', expected one of {} ({})", key, name,
              fmt::join(known, ", "), where);
}

}  // namespace

const Architecture<ConfigKeys>& hf_architecture(std::string_view model_type,
                                                std::string_view where) {
  return find_architecture<ConfigKeys>(model_type, kHuggingFace, "model_type", where);
}

const Architecture<GgufKeys>& gguf_architecture(std::string_view name, std::string_view where) {
  return find_architecture<GgufKeys>(name, kGguf, "general.architecture", where);
}

}  // namespace spikesink::detail
