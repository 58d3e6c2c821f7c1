#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "spikesink/error.h"
#include "spikesink/train/trainer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What a log keeps of a ValidationResult; nothing where a number is not finite.
struct ValidationRecord {
  using Number = std::optional<double>;
  Number loss, perplexity;
  Number sink_ratio_percent;                // "gu", key 0, epsilon 0.3
  Number spike;                             // the largest |h| after any block
  std::vector<Number> sink_ratios_percent;  // by layer
  std::vector<Number> spikes;               // by layer, after its feed-forward
  std::vector<Number> kurtosis;             // by layer, of the stream after it
};

/// One line of a training's log.
struct TrainingRecord {
  int64_t step = 0;
  double loss = 0, learning_rate = 0, gradient_norm = 0;
  int64_t tokens = 0;
  std::optional<ValidationRecord> validation;  // at the steps that measure
};

TrainingRecord record(const TrainingStep& step);

/// One line, without its end; the keys are the names above, `validation` absent where it is none.
std::string to_json(const TrainingRecord& record);
/// Every line. Throws FormatError, naming the line.
std::vector<TrainingRecord> read_training_log(const std::filesystem::path& file);

}  // namespace spikesink
