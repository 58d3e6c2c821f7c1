#include "model/architectures/deepseek.h"
#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

ModelConfig read_glm4_moe(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5, {.fraction = 0.5, .partial = true});
  config.qkv_bias = keys.flag("attention_bias", false);
  if (keys.flag("use_qk_norm", false)) {
    config.qk_norm = QkNorm::kPerHead;
    config.qk_norm_config = config.norm;
  }
  read_sigmoid_experts(keys, config);
  set_expert_layers(config, keys.integer("first_k_dense_replace", 1));
  return config;
}

WeightNames glm4_moe_names() {
  auto names = llama_names();
  names.in_layer = std::move(names.in_layer) + deepseek_experts();
  names.has_prediction_layer = true;
  return names;
}

ModelConfig read_gguf_glm4_moe(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "glm4_moe");
  config.norm = config.final_norm = read_gguf_rms_norm(keys);
  config.ropes = {read_gguf_rope(keys, config)};
  if (keys.file().contains("blk.0.attn_q_norm.weight")) {
    config.qk_norm = QkNorm::kPerHead;
    config.qk_norm_config = config.norm;
  }
  read_gguf_sigmoid_experts(keys, config);
  return config;
}

WeightNames gguf_glm4_moe_names() {
  auto names = gguf_names();
  rename(names, "ln2", "post_attention_norm");
  names.has_prediction_layer = true;
  return names;
}

// Latent attention, as DeepSeek V3.
ModelConfig read_glm4_moe_lite(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5);
  read_latent(keys, config);
  keys.expect("head_dim", config.latent.d_rope);
  config.latent.adjacent_pairs = keys.flag("rope_interleave", true);
  read_sigmoid_experts(keys, config);
  const auto listed = keys.has("mlp_layer_types");
  set_expert_layers(config, 1);
  if (!listed) {
    keys.expect("first_k_dense_replace", 1);
    return config;
  }
  const auto types = keys.texts("mlp_layer_types");
  if (types.size() != config.layers.size()) keys.refuse("mlp_layer_types", "one for each layer");
  for (size_t number = 0; number < types.size(); ++number) {
    if (types[number] != "dense" && types[number] != "sparse")
      keys.refuse("mlp_layer_types", "dense and sparse");
    config.layers[number].has_experts = types[number] == "sparse";
  }
  keys.ignore({"first_k_dense_replace"});
  return config;
}

}  // namespace spikesink::detail
