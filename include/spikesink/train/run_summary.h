#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spikesink/train/ablations.h"
#include "spikesink/train/training_run.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Over the seeds of a row.
struct SeedRange {
  double mean = 0, low = 0, high = 0;
};

/// A row's models at the end of their training, on the validation sequences.
struct RowSummary {
  std::string row;
  int64_t runs = 0;  // that are done; the numbers are of them
  std::optional<SeedRange> loss, perplexity, sink_ratio_percent, spike;  // as in ValidationRecord
  std::optional<PaperResult> paper;  // of a row that is the paper's
};

/// One for each name among the runs, in the order in which they come.
std::vector<RowSummary> summarize_rows(const std::vector<TrainingRunLog>& runs);

}  // namespace spikesink
