#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/layer_names.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// RoPE rotates adjacent channels, by default of half a head.
ModelConfig read_glm(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1.5625e-7, {.fraction = 0.5, .partial = true},
                                {.n_key_value_heads = 2, .d_head = 128});
  config.qkv_bias = keys.flag("attention_bias", true);
  return config;
}

ModelConfig read_glm4(ConfigKeys& keys) {
  auto config = read_glm(keys);
  config.norm_placement = NormPlacement::kSandwich;
  return config;
}

WeightNames glm_names() {
  auto names = interleaved_llama_names();
  names.in_layer = std::vector<WeightName>{{"mlp.gate", "mlp.gate_up_proj", half(0)},
                                           {"mlp.up", "mlp.gate_up_proj", half(1)}} +
                   names.in_layer;
  return names;
}

// `post_attention_layernorm` is the norm before the feed-forward.
WeightNames glm4_names() {
  auto names = glm_names();
  names.in_layer =
      std::move(names.in_layer) + std::vector<WeightName>{{"ln1_post", "post_self_attn_layernorm"},
                                                          {"ln2_post", "post_mlp_layernorm"}};
  return names;
}

// "chatglm" in GGUF.
ModelConfig read_gguf_glm(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "glm");
  config.norm = config.final_norm = read_gguf_rms_norm(keys);
  config.ropes = {read_gguf_rope(keys, config)};
  return config;
}

ModelConfig read_gguf_glm4(GgufKeys& keys) {
  auto config = read_gguf_glm(keys);
  config.model_type = "glm4";
  config.norm_placement = NormPlacement::kSandwich;
  return config;
}

WeightNames gguf_glm_names() {
  auto names = gguf_names();
  names.in_layer =
      std::vector<WeightName>{{"mlp.gate", "ffn_up", half(0)}, {"mlp.up", "ffn_up", half(1)}} +
      names.in_layer + stacked_attention("attn_qkv") +
      std::vector<WeightName>{{"ln1_post", "post_attention_norm"}, {"ln2_post", "post_ffw_norm"}};
  reorder_interleaved(names.in_layer);
  return names;
}

}  // namespace spikesink::detail
