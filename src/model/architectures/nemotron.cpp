#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {
namespace {

// Llama with feed-forwards of two matrices.
ModelConfig read_ungated(ConfigKeys& keys, const RopeDefaults& rope) {
  auto config = read_llama_like(keys, 1e-5, rope);
  config.gated = false;
  config.activation.kind = read_activation(keys, "hidden_act", "relu2");
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.mlp_bias = keys.flag("mlp_bias", false);
  return config;
}

}  // namespace

// LayerNorms with the scale 1 + weight; RoPE rotates, by default, half of each head.
ModelConfig read_nemotron(ConfigKeys& keys) {
  auto config = read_ungated(keys, {.fraction = 0.5, .partial = true});
  config.norm = layer_norm(keys.number("norm_eps", 1e-5));
  config.norm.scale_plus_one = true;
  config.final_norm = config.norm;
  return config;
}

ModelConfig read_arcee(ConfigKeys& keys) {
  return read_ungated(keys, {});
}

namespace {

ModelConfig read_gguf_ungated(GgufKeys& keys, const std::string& model_type) {
  auto config = read_gguf_sizes(keys, model_type);
  config.ropes = {read_gguf_rope(keys, config)};
  config.gated = false;
  config.activation.kind = Activation::kReluSquared;
  return config;
}

}  // namespace

// GGUF stores norm scales with the one added.
ModelConfig read_gguf_nemotron(GgufKeys& keys) {
  auto config = read_gguf_ungated(keys, "nemotron");
  config.norm = config.final_norm = read_gguf_layer_norm(keys);
  return config;
}

ModelConfig read_gguf_arcee(GgufKeys& keys) {
  auto config = read_gguf_ungated(keys, "arcee");
  config.norm = config.final_norm = read_gguf_rms_norm(keys);
  return config;
}

}  // namespace spikesink::detail
