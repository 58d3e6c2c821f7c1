#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spikesink/train/ablations.h"
#include "spikesink/train/training_run.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Over the seeds of a row.
struct Spread {
  double mean = 0, low = 0, high = 0;
};

/// A row's models at the end of their training, on the validation sequences.
struct RowSummary {
  std::string row;
  int64_t runs = 0;  // that are done; the numbers are of them
  std::optional<Spread> loss, perplexity, sink_ratio_percent, spike;  // as in ValidationRecord
  std::optional<PaperRow> paper;  // of a row that is the paper's
};

/// One for each name among the runs, in the order in which they come.
std::vector<RowSummary> summarize(const std::vector<FinishedRun>& runs);

}  // namespace spikesink
