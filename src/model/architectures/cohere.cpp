#include "model/architectures/families.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {
namespace {

// Parallel blocks with one LayerNorm without bias; RoPE rotates adjacent channels.
ModelConfig read_every_cohere(ConfigKeys& keys, double theta) {
  auto config = read_llama_like(keys, 1e-5, {.theta = theta});
  config.norm = layer_norm(keys.number("layer_norm_eps", 1e-5));
  config.norm.has_bias = false;
  config.final_norm = config.norm;
  config.residual = ResidualForm::kParallelSharedNorm;
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.logit_multiplier = keys.number("logit_scale", 0.0625);
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  return config;
}

}  // namespace

ModelConfig read_cohere(ConfigKeys& keys) {
  auto config = read_every_cohere(keys, 500000.0);
  if (keys.flag("use_qk_norm", false)) {
    config.qk_norm = QkNorm::kPerHeadScale;
    config.qk_norm_config = config.norm;
  }
  return config;
}

// The layers with full attention have no positions.
ModelConfig read_cohere2(ConfigKeys& keys) {
  auto config = read_every_cohere(keys, 10000.0);
  const auto window = read_window_or_null(keys, 4096);
  if (window == 0) keys.refuse("sliding_window", "a positive number");
  const auto period = keys.integer("sliding_window_pattern", 4);
  if (period < 1) keys.refuse("sliding_window_pattern", "a positive number");
  read_windows(keys, config, window, [&](int64_t layer) { return (layer + 1) % period != 0; });
  for (auto& layer : config.layers) {
    if (layer.window == 0) layer.rope = LayerConfig::kNoRope;
  }
  return config;
}

}  // namespace spikesink::detail
