#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "spikesink/train/train_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The results of arXiv 2603.05498 for a row: perplexity on C4, sink ratio ("paper") in percent,
/// and the largest |h|.
struct PaperResult {
  double perplexity = 0, sink_ratio_percent = 0, spike = 0;
};

/// One row of tables 3 to 8 of the paper (arXiv 2603.05498): the baseline with one change.
struct Ablation {
  std::string name;                  // "table5/sandwich"
  std::optional<PaperResult> paper;  // nullopt: published without a table row
  /// The changed keys of TrainConfig's JSON, such as "model.norm_placement".
  std::vector<std::string> fields;
  /// Applies the change. Sizes, rates and lengths have the same ratio to the baseline as in the
  /// paper. Example: if the paper's row has half the baseline's length, the row at every scale has
  /// half of that scale's length.
  std::function<void(TrainConfig&)> change;
};

/// Returns all rows in the order of the paper. The first, "baseline", changes nothing.
const std::vector<Ablation>& ablations();
/// Returns the row of this name. Throws std::invalid_argument with the nearest names.
const Ablation& find_ablation(const std::string& name);

/// Returns the baseline at a scale: "nano" and "micro" (minutes on a CPU), "60m", "1b" or "7b" (the
/// paper's). Throws std::invalid_argument for another name.
TrainConfig baseline(const std::string& scale);

/// Returns the configuration of a row at a scale. Throws std::invalid_argument if the row equals
/// the baseline at this scale or is not a valid model.
TrainConfig ablation_config(const std::string& name, const std::string& scale);

}  // namespace spikesink
