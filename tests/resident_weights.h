#pragma once

#include "spikesink/model/weight_loader.h"

namespace spikesink {

/// For a model whose weights are all in memory: it runs layer by layer, and nothing is loaded.
struct ResidentWeights : WeightLoader {
  void load(WeightGroup) override {}
  void unload(WeightGroup) override {}
  int64_t max_hidden_state_memory() const override { return 0; }
};

}  // namespace spikesink
