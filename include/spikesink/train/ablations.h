#pragma once

#include <functional>
#include <string>
#include <vector>

#include "spikesink/train/train_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What the paper reports of a row: perplexity on C4, sink ratio in percent, and the largest |h|.
struct PaperResult {
  double perplexity = 0, sink_ratio_percent = 0, spike = 0;
};

/// One row of the paper's tables 3 to 8 (arXiv 2603.05498): one difference from its baseline.
struct Ablation {
  std::string name;  // "table5/sandwich"
  PaperResult paper;
  /// The keys of TrainConfig's JSON that it changes: "model.norm_placement".
  std::vector<std::string> fields;
  /// Sizes, rates and lengths are the baseline's times what the paper's are of its own baseline's.
  std::function<void(TrainConfig&)> change;
};

/// All rows, in the order of the paper; the first, "baseline", changes nothing.
const std::vector<Ablation>& ablations();
/// Throws std::invalid_argument with the nearest names.
const Ablation& find_ablation(const std::string& name);

/// What the rows differ from, by size: "nano" (CPU minutes), "60m", "1b" and "7b" (the paper's).
/// Throws std::invalid_argument for another name.
TrainConfig baseline(const std::string& scale);

/// A row at a size. Throws std::invalid_argument where the row cannot be told from the baseline at
/// that size, or is no model.
TrainConfig ablation_config(const std::string& name, const std::string& scale);

}  // namespace spikesink
