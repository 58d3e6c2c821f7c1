#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// Norms on the outputs of blocks. In a model with windows the other layers have no positions.
ModelConfig read_exaone4(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5);
  config.norm_placement = NormPlacement::kOutput;
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  const auto window = read_window_or_null(keys, 4096);
  int64_t period = 1;
  if (keys.has("layer_types")) {
    keys.ignore({"sliding_window_pattern"});
  } else if (window > 0) {
    period = keys.integer("sliding_window_pattern", 4);
  }
  if (period < 1) keys.refuse("sliding_window_pattern", "a positive number");
  read_windows(keys, config, window, [&](int64_t layer) { return (layer + 1) % period != 0; });
  if (window > 0) remove_rope_without_window(config);
  return config;
}

// Only the model with 64 layers has windows, as in llama.cpp.
ModelConfig read_gguf_exaone4(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "exaone4");
  config.norm = config.final_norm = read_gguf_rms_norm(keys);
  config.norm_placement = NormPlacement::kOutput;
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  config.ropes = {read_gguf_rope(keys, config)};
  constexpr int64_t kLayersWithWindows = 64;
  const bool slides = config.n_layers == kLayersWithWindows;
  const auto window = keys.integer("attention.sliding_window", slides ? 4096 : 0);
  if (!slides && window > 0)
    keys.refuse("attention.sliding_window", "no window, as the model does not have 64 layers");
  if (slides) {
    keys.expect("rope.freq_base_swa", config.ropes.front().theta);
    read_gguf_windows(keys, config, window, 4);
    remove_rope_without_window(config);
  }
  return config;
}

}  // namespace spikesink::detail
