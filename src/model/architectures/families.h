#pragma once

#include "model/architectures/architecture.h"

// For every family: the reader of its `config.json` or GGUF metadata, and its tensor names.
// Functions that several families share are in llama.h, config_reading.h, gguf_reading.h and
// layer_names.h.

namespace spikesink::detail {

ModelConfig read_llama(ConfigKeys& keys);
ModelConfig read_mistral(ConfigKeys& keys);
ModelConfig read_granite(ConfigKeys& keys);
ModelConfig read_smollm3(ConfigKeys& keys);
ModelConfig read_seed_oss(ConfigKeys& keys);
ModelConfig read_helium(ConfigKeys& keys);
ModelConfig read_ernie4_5(ConfigKeys& keys);
ModelConfig read_ministral3(ConfigKeys& keys);
ModelConfig read_gguf_seed_oss(GgufKeys& keys);
ModelConfig read_gguf_ernie4_5(GgufKeys& keys);
WeightNames gguf_seed_oss_names();
ModelConfig read_gguf_llama(GgufKeys& keys);

ModelConfig read_qwen2(ConfigKeys& keys);
ModelConfig read_qwen3(ConfigKeys& keys);
ModelConfig read_qwen2_moe(ConfigKeys& keys);
ModelConfig read_qwen3_moe(ConfigKeys& keys);
WeightNames qwen3_names();
ModelConfig read_qwen2_vl_text(ConfigKeys& keys);
ModelConfig read_qwen3_vl_text(ConfigKeys& keys);
WeightNames qwen_moe_names();
ModelConfig read_qwen3_next(ConfigKeys& keys);
WeightNames qwen3_next_names();
ModelConfig read_qwen3_5(ConfigKeys& keys);
ModelConfig read_qwen3_5_text(ConfigKeys& keys);
ModelConfig read_qwen3_5_moe(ConfigKeys& keys);
ModelConfig read_qwen3_5_moe_text(ConfigKeys& keys);
WeightNames qwen3_5_names();

ModelConfig read_afmoe(ConfigKeys& keys);
WeightNames afmoe_names();
ModelConfig read_gguf_qwen2(GgufKeys& keys);
ModelConfig read_gguf_qwen3(GgufKeys& keys);

ModelConfig read_mixtral(ConfigKeys& keys);
WeightNames mixtral_names();

ModelConfig read_granitemoe(ConfigKeys& keys);
ModelConfig read_granitemoeshared(ConfigKeys& keys);
WeightNames granitemoe_names();

ModelConfig read_ernie4_5_moe(ConfigKeys& keys);
WeightNames ernie4_5_moe_names();
ModelConfig read_gguf_ernie4_5_moe(GgufKeys& keys);

ModelConfig read_minimax_m2(ConfigKeys& keys);
WeightNames minimax_m2_names();
ModelConfig read_gguf_minimax_m2(GgufKeys& keys);

ModelConfig read_phimoe(ConfigKeys& keys);
WeightNames phimoe_names();

ModelConfig read_dbrx(ConfigKeys& keys);
WeightNames dbrx_names();
ModelConfig read_gguf_dbrx(GgufKeys& keys);
WeightNames gguf_dbrx_names();

ModelConfig read_deepseek_v2(ConfigKeys& keys);
ModelConfig read_deepseek_v3(ConfigKeys& keys);
WeightNames deepseek_names();
ModelConfig read_gguf_deepseek2(GgufKeys& keys);
WeightNames gguf_deepseek2_names();

ModelConfig read_glm4_moe(ConfigKeys& keys);
ModelConfig read_glm4_moe_lite(ConfigKeys& keys);
WeightNames glm4_moe_names();
ModelConfig read_gguf_glm4_moe(GgufKeys& keys);
WeightNames gguf_glm4_moe_names();

ModelConfig read_minicpm3(ConfigKeys& keys);
WeightNames minicpm3_names();

ModelConfig read_olmoe(ConfigKeys& keys);
ModelConfig read_flex_olmo(ConfigKeys& keys);
WeightNames olmoe_names();
WeightNames flex_olmo_names();
ModelConfig read_gguf_olmoe(GgufKeys& keys);

ModelConfig read_olmo(ConfigKeys& keys);
ModelConfig read_olmo2(ConfigKeys& keys);
ModelConfig read_olmo3(ConfigKeys& keys);
WeightNames olmo2_names();

ModelConfig read_gemma(ConfigKeys& keys);
ModelConfig read_gemma2(ConfigKeys& keys);
ModelConfig read_gemma3_text(ConfigKeys& keys);
ModelConfig read_gemma3(ConfigKeys& keys);
WeightNames gemma_names();
ModelConfig read_gguf_gemma(GgufKeys& keys);
ModelConfig read_gguf_gemma3(GgufKeys& keys);
ModelConfig read_gguf_gemma2(GgufKeys& keys);
WeightNames gguf_gemma_names();

ModelConfig read_phi(ConfigKeys& keys);
ModelConfig read_phi3(ConfigKeys& keys);
WeightNames phi_names();
WeightNames phi3_names();
ModelConfig read_gguf_phi3(GgufKeys& keys);
WeightNames gguf_phi3_names();

ModelConfig read_gpt2(ConfigKeys& keys);
ModelConfig read_openai_gpt(ConfigKeys& keys);
WeightNames gpt2_names();
WeightNames openai_gpt_names();
ModelConfig read_gguf_gpt2(GgufKeys& keys);
WeightNames gguf_gpt2_names();

ModelConfig read_gpt_neox(ConfigKeys& keys);
WeightNames gpt_neox_names();

ModelConfig read_opt(ConfigKeys& keys);
WeightNames opt_names();

ModelConfig read_bert(ConfigKeys& keys);
ModelConfig read_roberta(ConfigKeys& keys);
WeightNames bert_names();
WeightNames roberta_names();

ModelConfig read_falcon(ConfigKeys& keys);
WeightNames falcon_names();
ModelConfig read_gguf_falcon(GgufKeys& keys);
WeightNames gguf_falcon_names();

ModelConfig read_mpt(ConfigKeys& keys);
WeightNames mpt_names();

ModelConfig read_bloom(ConfigKeys& keys);
WeightNames bloom_names();

ModelConfig read_own(ConfigKeys& keys);
ModelConfig read_stablelm(ConfigKeys& keys);
WeightNames own_names();
WeightNames stablelm_names();

ModelConfig read_gpt_oss(ConfigKeys& keys);
WeightNames gpt_oss_names();
ModelConfig read_gguf_gpt_oss(GgufKeys& keys);
WeightNames gguf_gpt_oss_names();

ModelConfig read_glm(ConfigKeys& keys);
ModelConfig read_glm4(ConfigKeys& keys);
WeightNames glm_names();
WeightNames glm4_names();
ModelConfig read_gguf_glm(GgufKeys& keys);
ModelConfig read_gguf_glm4(GgufKeys& keys);
WeightNames gguf_glm_names();

ModelConfig read_cohere(ConfigKeys& keys);
ModelConfig read_cohere2(ConfigKeys& keys);
ModelConfig read_gguf_cohere(GgufKeys& keys);
ModelConfig read_gguf_cohere2(GgufKeys& keys);

ModelConfig read_nemotron(ConfigKeys& keys);
ModelConfig read_arcee(ConfigKeys& keys);
ModelConfig read_gguf_nemotron(GgufKeys& keys);
ModelConfig read_gguf_arcee(GgufKeys& keys);

ModelConfig read_exaone4(ConfigKeys& keys);
ModelConfig read_gguf_exaone4(GgufKeys& keys);

ModelConfig read_hunyuan_v1_dense(ConfigKeys& keys);
WeightNames hunyuan_v1_dense_names();
ModelConfig read_gguf_hunyuan_v1_dense(GgufKeys& keys);

ModelConfig read_apertus(ConfigKeys& keys);
WeightNames apertus_names();

ModelConfig read_starcoder2(ConfigKeys& keys);
WeightNames starcoder2_names();
ModelConfig read_gguf_starcoder2(GgufKeys& keys);

ModelConfig read_gptj(ConfigKeys& keys);
WeightNames gptj_names();
WeightNames codegen_names();

ModelConfig read_gpt_bigcode(ConfigKeys& keys);
WeightNames gpt_bigcode_names();

ModelConfig read_gpt_neo(ConfigKeys& keys);
WeightNames gpt_neo_names();

ModelConfig read_biogpt(ConfigKeys& keys);
WeightNames biogpt_names();
ModelConfig read_xglm(ConfigKeys& keys);
WeightNames xglm_names();

ModelConfig read_llava(ConfigKeys& keys);
ModelConfig read_mistral3(ConfigKeys& keys);
ModelConfig read_qwen2_vl(ConfigKeys& keys);
ModelConfig read_qwen2_5_vl(ConfigKeys& keys);
ModelConfig read_qwen3_vl(ConfigKeys& keys);
WeightNames multimodal_names();

}  // namespace spikesink::detail
