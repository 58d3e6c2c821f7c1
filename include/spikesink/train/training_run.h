#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "spikesink/train/checkpoint.h"
#include "spikesink/train/training_log.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A training and its folder: `train.json`, the whole configuration; `log.jsonl`, a line a step;
/// `checkpoints/step-N`; `tokenizer/`, where one was trained; and at the end `model/`. Whatever
/// ends it, opening the folder again with the same configuration goes on from the last good
/// checkpoint, and log and model become what they would have been, bit for bit on a CPU and with as
/// many processes.
///
/// The processes of a job run one training, in a folder that all of them see; process 0 alone
/// writes the log and the model. Where it throws at one of them the job is over.
class TrainingRun {
 public:
  /// Throws FormatError where the folder cannot be written, holds another training, is in use by
  /// another one, or has no checkpoint left that is good; and what Trainer and open_training_data
  /// throw. The processes must outlive this.
  TrainingRun(const TrainConfig& config, const std::filesystem::path& folder,
              torch::Device device = torch::kCPU, Processes* processes = nullptr);
  TrainingRun(TrainingRun&&) noexcept;
  TrainingRun& operator=(TrainingRun&&) noexcept;
  ~TrainingRun();

  bool done() const;
  /// One step, logged, with a checkpoint where one is due; the last one saves the model. A
  /// FormatError or std::runtime_error names the last good checkpoint.
  TrainingStep step();

  const Trainer& trainer() const;
  /// Where it went on from, 0 for a fresh one.
  int64_t resumed_from_step() const;
  /// Checkpoints that were found damaged and set aside, in one sentence each; known to process 0.
  const std::vector<std::string>& damaged() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a finished training left.
struct TrainingRunLog {
  TrainConfig config;
  std::optional<int64_t> parameters;
  std::vector<TrainingRecord> log;
};

/// The configuration and the log of a training's folder, as far as it has come. Throws FormatError.
TrainingRunLog read_training_run(const std::filesystem::path& folder);

/// Whether this training is done in the folder. False where there is none, or another.
bool is_finished(const TrainConfig& config, const std::filesystem::path& folder);

}  // namespace spikesink
