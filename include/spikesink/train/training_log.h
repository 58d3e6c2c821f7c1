#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "spikesink/error.h"
#include "spikesink/train/trainer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The logged values of a ValidationResult. A value that is not finite is nullopt.
struct ValidationRecord {
  using Number = std::optional<double>;
  Number loss, perplexity;
  Number sink_ratio_percent;                // "paper" (SinkDefinition), epsilon 0.3
  Number gu_sink_ratio_percent;             // "gu", key 0, epsilon 0.3
  Number spike;                             // ValidationResult::spike
  std::vector<Number> sink_ratios_percent;  // "paper", by layer
  std::vector<Number> spikes;               // by layer, after its feed-forward block
  std::vector<Number> kurtosis;             // by layer, of the residual stream after it
  Number massive_channels;  // number of channels with a massive activation (MassiveActivations)
};

/// One line of a training log.
struct TrainingRecord {
  int64_t step = 0;
  double loss = 0, learning_rate = 0, gradient_norm = 0;
  int64_t tokens = 0;
  std::optional<ValidationRecord> validation;  // at steps with validation
};

/// Returns the log record of a step.
TrainingRecord record(const TrainingStep& step);

/// Returns one line, without the newline. The keys are the names above; `validation` is absent if
/// it was not measured.
std::string to_json(const TrainingRecord& record);
/// Reads all lines of a log. Throws FileError, which names the line.
std::vector<TrainingRecord> read_training_log(const std::filesystem::path& file);

}  // namespace spikesink
