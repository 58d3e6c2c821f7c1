#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// Queries and keys are normalised after RoPE.
ModelConfig read_hunyuan_v1_dense(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5, {.fixed_alpha = true});
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  config.qk_norm_after_rope = true;
  keys.ignore({"eod_token_id"});
  return config;
}

WeightNames hunyuan_v1_dense_names() {
  auto names = llama_names();
  rename(names, "attn.q_norm", "self_attn.query_layernorm");
  rename(names, "attn.k_norm", "self_attn.key_layernorm");
  return names;
}

ModelConfig read_gguf_hunyuan_v1_dense(GgufKeys& keys) {
  auto config = read_gguf_llama(keys);
  config.model_type = "hunyuan_v1_dense";
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  config.qk_norm_after_rope = true;
  return config;
}

}  // namespace spikesink::detail
