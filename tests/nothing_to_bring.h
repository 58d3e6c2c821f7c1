#pragma once

#include "spikesink/model/weight_supply.h"

namespace spikesink {

/// Weights that are there anyway.
struct NothingToBring : WeightSupply {
  void bring(ModelPart) override {}
  void drop(ModelPart) override {}
  int64_t room_for_states() const override { return 0; }
};

}  // namespace spikesink
