#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/llama.h"

// Families that differ from Llama by defaults, by biases or by the order of RoPE's channels.

namespace spikesink::detail {

ModelConfig read_seed_oss(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-6, {}, {.d_head = 128});
  config.qkv_bias = keys.flag("attention_bias", true);
  config.attention_output_bias = keys.flag("attention_out_bias", false);
  config.mlp_bias = keys.flag("mlp_bias", false);
  keys.ignore({"residual_dropout"});
  return config;
}

// RoPE rotates adjacent channels.
ModelConfig read_helium(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-8, {.theta = 100000.0}, {.d_head = 128});
  config.norm.scale_in_float32 = config.final_norm.scale_in_float32 = true;
  config.qkv_bias = keys.flag("attention_bias", false);
  config.mlp_bias = keys.flag("mlp_bias", false);
  return config;
}

// RoPE rotates adjacent channels.
ModelConfig read_ernie4_5(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5, {.theta = 500000.0}, {.d_head = 128});
  const bool bias = keys.flag("use_bias", false);
  config.qkv_bias = config.attention_output_bias = config.mlp_bias = bias;
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  return config;
}

// Queries also get a scale that grows with their position.
ModelConfig read_ministral3(ConfigKeys& keys) {
  if (!keys.has("rope_parameters") && !keys.has("rope_scaling"))
    keys.refuse("rope_parameters", "the parameters of RoPE");
  auto config =
      read_llama_like(keys, 1e-5, {.query_scale = true}, {.n_key_value_heads = 8, .d_head = 128});
  config.query_scale = read_query_scale(keys);
  read_common_window(keys, config);
  return config;
}

ModelConfig read_gguf_seed_oss(GgufKeys& keys) {
  auto config = read_gguf_llama(keys);
  config.model_type = "seed_oss";
  return config;
}

WeightNames gguf_seed_oss_names() {
  auto names = gguf_names();
  rename(names, "ln2", "post_attention_norm");
  return names;
}

ModelConfig read_gguf_ernie4_5(GgufKeys& keys) {
  auto config = read_gguf_llama(keys);
  config.model_type = "ernie4_5";
  return config;
}

}  // namespace spikesink::detail
