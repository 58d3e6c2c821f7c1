#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "spikesink/train/checkpoint.h"
#include "spikesink/train/training_log.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A training run in a folder: `train.json` (the whole configuration), `log.jsonl` (one line per
/// step), `checkpoints/step-N`, `tokenizer/` (if one was trained) and, at the end, `model/`. After
/// an interruption, opening the folder with the same configuration resumes from the last valid
/// checkpoint. Log and model are then the same as without the interruption, bit for bit on a CPU
/// with the same number of processes.
///
/// The processes of a job run one training together, in a folder on a shared file system. Process 0
/// writes the log and the model. If one process throws, the whole job must stop.
class TrainingRun {
 public:
  /// Throws FileError if the folder cannot be written, contains another training run, is in use
  /// by another process, or has checkpoints but no valid one; and what Trainer and
  /// open_training_data throw. `processes` must outlive the run.
  TrainingRun(const TrainConfig& config, const std::filesystem::path& folder,
              torch::Device device = torch::kCPU, ProcessGroup* processes = nullptr);
  TrainingRun(TrainingRun&&) noexcept;
  TrainingRun& operator=(TrainingRun&&) noexcept;
  ~TrainingRun();

  bool done() const;
  /// Runs and logs one step, and saves a checkpoint when one is due. The last step also saves the
  /// model. The message of a FileError or std::runtime_error names the last valid checkpoint.
  TrainingStep step();

  const Trainer& trainer() const;
  /// Returns the step from which this run was resumed; 0 for a new run.
  int64_t resumed_from_step() const;
  /// Returns one message per damaged checkpoint (they were renamed). Empty in all processes except
  /// process 0.
  const std::vector<std::string>& damaged_checkpoints() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The configuration and the log of a training run, finished or not.
struct TrainingRunLog {
  TrainConfig config;
  std::optional<int64_t> parameters;  // number of parameters; only of a finished run
  std::vector<TrainingRecord> log;
};

/// Reads the configuration and the log of a training folder. Throws FileError.
TrainingRunLog read_training_run(const std::filesystem::path& folder);

/// True if `folder` contains a finished run with this configuration.
bool is_finished(const TrainConfig& config, const std::filesystem::path& folder);

}  // namespace spikesink
