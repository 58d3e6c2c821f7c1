#include "spikesink/train/run_summary.h"

#include <algorithm>
#include <numeric>

namespace spikesink {
namespace {

// The last validation of each finished run of the row.
std::vector<ValidationRecord> final_validations(const std::vector<TrainingRunLog>& runs,
                                                const std::string& row) {
  std::vector<ValidationRecord> result;
  for (const auto& run : runs) {
    const bool done = !run.log.empty() && run.log.back().step == run.config.steps;
    if (run.config.name == row && done && run.log.back().validation)
      result.push_back(*run.log.back().validation);
  }
  return result;
}

std::optional<SeedRange> spread(const std::vector<ValidationRecord>& records,
                                ValidationRecord::Number ValidationRecord::*number) {
  std::vector<double> values;
  for (const auto& record : records) {
    if (record.*number) values.push_back(*(record.*number));
  }
  if (values.empty()) return std::nullopt;
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  const auto [low, high] = std::ranges::minmax(values);
  return SeedRange{sum / static_cast<double>(values.size()), low, high};
}

std::optional<PaperResult> paper_row(const std::string& name) {
  const auto& rows = ablations();
  const auto row = std::ranges::find(rows, name, &Ablation::name);
  return row == rows.end() ? std::nullopt : row->paper;
}

}  // namespace

std::vector<RowSummary> summarize_rows(const std::vector<TrainingRunLog>& runs) {
  std::vector<RowSummary> rows;
  for (const auto& run : runs) {
    const auto& name = run.config.name;
    if (std::ranges::find(rows, name, &RowSummary::row) != rows.end()) continue;
    const auto of_row = final_validations(runs, name);
    rows.push_back(
        {.row = name,
         .runs = static_cast<int64_t>(of_row.size()),
         .loss = spread(of_row, &ValidationRecord::loss),
         .perplexity = spread(of_row, &ValidationRecord::perplexity),
         .sink_ratio_percent = spread(of_row, &ValidationRecord::sink_ratio_percent),
         .gu_sink_ratio_percent = spread(of_row, &ValidationRecord::gu_sink_ratio_percent),
         .spike = spread(of_row, &ValidationRecord::spike),
         .massive_channels = spread(of_row, &ValidationRecord::massive_channels),
         .paper = paper_row(name)});
  }
  return rows;
}

}  // namespace spikesink
