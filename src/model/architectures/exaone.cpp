#include "model/architectures/families.h"
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
  for (auto& layer : config.layers) {
    if (window > 0 && layer.window == 0) layer.rope = LayerConfig::kNoRope;
  }
  return config;
}

}  // namespace spikesink::detail
