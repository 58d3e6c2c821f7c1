#pragma once

#include "spikesink/train/ablations.h"

namespace spikesink {

/// A training of a second or less.
inline TrainConfig small_config() {
  auto config = baseline("nano");
  config.model.n_layers = 1;
  config.steps = 12;
  config.sequences = 8;
  config.length = 16;
  config.optimizer.warm_up = 3;
  config.measure_every = 5;
  config.measured_sequences = 6;
  config.checkpoint_every = 4;
  return config;
}

}  // namespace spikesink
