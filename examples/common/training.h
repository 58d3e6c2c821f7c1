#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/options.h"
#include "spikesink/train/training_run.h"

namespace examples {

/// Options of the programs that train.
struct TrainingOptions : ProgramOptions {
  TrainingOptions() { seed = static_cast<int64_t>(spikesink::TrainConfig().seed); }

  std::string scale = "nano";
  spikesink::DataConfig data;
  std::optional<int64_t> vocabulary, length, sequences, steps;
  bool bfloat16 = false;
  torch::Device device = torch::kCPU;
};

/// Adds them, without --scale. `options` must outlive `app`.
void add_training_options(CLI::App& app, TrainingOptions& options);
/// Adds --scale.
CLI::Option* add_scale(CLI::App& app, std::string& scale);

/// Returns the rows of the paper's tables and the configuration fields that they change, for the
/// end of --help.
std::string rows_help();

/// Returns `config` with the values of the given options.
spikesink::TrainConfig apply_options(spikesink::TrainConfig config, const TrainingOptions& options);

/// Returns the advice for the user after an interrupted training.
inline constexpr const char* kResumeAdvice = "the same command goes on from there";

/// The progress of one or several trainings, on one line of a terminal. Threads may share it.
class TrainingProgress {
 public:
  /// For `runs` trainings; `shown` is false with --quiet.
  TrainingProgress(bool shown, int64_t runs);
  ~TrainingProgress();

  /// Counts one step of `run` and prints the line.
  void update(const spikesink::TrainingRun& run, const spikesink::TrainingStep& step);
  /// Excludes a training that was finished before.
  void skip_run() { --runs_; }

 private:
  bool shown_;
  std::atomic<int64_t> runs_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::map<std::string, std::string> measured_;  // the latest measurements of each training
  double trained_ = 0, trained_before_ = 0;  // number of trainings, now and in an earlier process
  int64_t finished_ = 0, tokens_ = 0;
};

/// Trains until `run` is finished or `stop` returns true.
void train(spikesink::TrainingRun& run, TrainingProgress& progress,
           const std::function<bool()>& stop);

/// Writes the report of the trainings to --out.
void write_training_report(const std::string& program, const TrainingOptions& options,
                           const std::vector<spikesink::TrainingRunLog>& runs);

}  // namespace examples
