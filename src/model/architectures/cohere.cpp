#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
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
  remove_rope_without_window(config);
  return config;
}

namespace {

ModelConfig read_gguf_every_cohere(GgufKeys& keys, const std::string& model_type) {
  auto config = read_gguf_sizes(keys, model_type, /*reads_logit_scale=*/true);
  config.norm = read_gguf_layer_norm(keys);
  config.norm.has_bias = false;
  config.final_norm = config.norm;
  config.residual = ResidualForm::kParallelSharedNorm;
  config.ropes = {read_gguf_rope(keys, config)};
  return config;
}

}  // namespace

// "command-r" in GGUF.
ModelConfig read_gguf_cohere(GgufKeys& keys) {
  auto config = read_gguf_every_cohere(keys, "cohere");
  if (keys.file().contains("blk.0.attn_q_norm.weight")) {
    config.qk_norm = QkNorm::kPerHeadScale;
    config.qk_norm_config = config.norm;
  }
  return config;
}

ModelConfig read_gguf_cohere2(GgufKeys& keys) {
  auto config = read_gguf_every_cohere(keys, "cohere2");
  keys.expect("rope.freq_base_swa", config.ropes.front().theta);
  read_gguf_windows(keys, config, keys.integer("attention.sliding_window"), 4);
  remove_rope_without_window(config);
  return config;
}

}  // namespace spikesink::detail
