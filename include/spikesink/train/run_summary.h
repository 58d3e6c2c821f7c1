#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spikesink/train/ablations.h"
#include "spikesink/train/training_run.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Mean, minimum and maximum over the seeds of a row.
struct SeedRange {
  double mean = 0, low = 0, high = 0;
};

/// The final validation results of a row's models.
struct RowSummary {
  std::string row;
  int64_t runs = 0;  // number of finished runs; only these are summarised
  // As in ValidationRecord.
  std::optional<SeedRange> loss, perplexity, sink_ratio_percent, gu_sink_ratio_percent, spike,
      massive_channels;
  std::optional<PaperResult> paper;  // for a row of the paper
};

/// Returns one summary per configuration name, in the order of the first run of each name.
std::vector<RowSummary> summarize_rows(const std::vector<TrainingRunLog>& runs);

}  // namespace spikesink
