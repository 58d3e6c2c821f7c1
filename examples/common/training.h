#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>

#include "common/options.h"
#include "spikesink/train/training_run.h"

namespace examples {

/// What the programs that train can be told.
struct TrainingOptions : RunOptions {
  std::string scale = "nano";
  spikesink::DataConfig data;
  std::optional<int64_t> vocabulary, length, sequences, steps;
  bool bfloat16 = false;
  torch::Device device = torch::kCPU;
};

void add_training_options(CLI::App& app, TrainingOptions& options);

/// The configuration with what the options say instead.
spikesink::TrainConfig configured(spikesink::TrainConfig config, const TrainingOptions& options);

/// What a training that was interrupted is to be told.
inline constexpr const char* kGoOn = "the same command goes on from there";

/// How far one or several trainings are, on one line of a terminal; threads may share it.
class TrainingLine {
 public:
  TrainingLine(bool shown, int64_t runs);
  ~TrainingLine();

  void tell(const spikesink::TrainingRun& run, const spikesink::TrainingStep& step);
  /// One that was done before.
  void skip() { --runs_; }

 private:
  bool shown_;
  std::atomic<int64_t> runs_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::map<std::string, std::string> measured_;  // of each training, at last
  double trained_ = 0, trained_before_ = 0;      // trainings' worth of steps
  int64_t done_ = 0, tokens_ = 0;
};

/// Trains it to its end, or leaves it where `stop` says so.
void train(spikesink::TrainingRun& run, TrainingLine& line, const std::function<bool()>& stop);

/// The report on trainings, in the options' folder.
void write_report(const std::string& program, const TrainingOptions& options,
                  const std::vector<spikesink::FinishedRun>& runs);

}  // namespace examples
