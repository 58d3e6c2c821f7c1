#include "model/architectures/families.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// LayerNorm without parameters.
ModelConfig read_olmo(ConfigKeys& keys) {
  auto config = read_llama_like(keys);
  config.norm = config.final_norm = {
      .kind = NormKind::kLayerNorm, .epsilon = 1e-5, .has_scale = false, .scale_in_float32 = true};
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.qkv_clip = keys.number("clip_qkv", 0);
  return config;
}

// Norms on the outputs of blocks, and on queries and keys of all heads together; none on inputs.
ModelConfig read_olmo2(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5);
  config.norm.scale_in_float32 = config.final_norm.scale_in_float32 = true;
  config.norm_placement = NormPlacement::kOutput;
  config.qk_norm = QkNorm::kWhole;
  config.qk_norm_config = config.norm;
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  return config;
}

ModelConfig read_olmo3(ConfigKeys& keys) {
  ModelConfig config = read_olmo2(keys);
  // With the keys of transformers 4, `rope_theta` is for the layers without a window only.
  constexpr double kTheta = 500000.0;
  config.ropes = read_ropes_by_layer_type(keys, config, kTheta, "rope_local_theta", kTheta);
  read_windows(keys, config, keys.integer("sliding_window", 4096),
               [](int64_t layer) { return (layer + 1) % 4 != 0; });
  for (auto& layer : config.layers) layer.rope = layer.window > 0 ? 1 : 0;
  return config;
}

WeightNames olmo2_names() {
  auto names = llama_names();
  names.in_layer = std::move(names.in_layer) +
                   std::vector<WeightName>{{"ln1_post", "post_attention_layernorm"},
                                           {"ln2_post", "post_feedforward_layernorm"}};
  return names;
}

}  // namespace spikesink::detail
