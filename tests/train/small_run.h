#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "spikesink/train/training_run.h"
#include "temp_dir.h"
#include "train/small_config.h"

namespace spikesink {

/// A training with checkpoints, of a second or less.
inline TrainConfig run_config() {
  auto config = small_config();
  config.steps = 20;
  config.sequences = 4;
  config.length = 12;
  config.measure_every = 6;
  config.measured_sequences = 4;
  return config;
}

inline void train_to(TrainingRun& run, int64_t steps) {
  while (!run.done() && run.trainer().steps_done() < steps) run.step();
}

/// What a run leaves that was not interrupted.
struct CompleteRun {
  explicit CompleteRun(const TrainConfig& config) {
    TrainingRun run(config, folder.path());
    train_to(run, config.steps);
  }
  TempDir folder;
};

/// The steps of the checkpoints in a training's folder, the last one first.
inline std::vector<int64_t> steps_kept(const std::filesystem::path& folder) {
  std::vector<int64_t> steps;
  for (const auto& checkpoint : find_checkpoints(folder / "checkpoints"))
    steps.push_back(checkpoint.step);
  return steps;
}

}  // namespace spikesink
