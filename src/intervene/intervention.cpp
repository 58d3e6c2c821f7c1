#include "spikesink/intervene/intervention.h"

namespace spikesink {

std::vector<HeadIndex> heads_of_layers(const ModelConfig& config,
                                       const std::vector<int64_t>& layers) {
  std::vector<HeadIndex> heads;
  for (const int64_t layer : layers) {
    for (int64_t head = 0; head < config.n_heads; ++head) heads.emplace_back(layer, head);
  }
  return heads;
}

}  // namespace spikesink
