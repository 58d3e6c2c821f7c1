#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/training.h"

namespace examples {

struct TableOptions : TrainingOptions {
  std::vector<std::string> rows = {"table5", "table7"};
  int64_t seeds = 3;
  std::optional<int> jobs;
};

/// One training of the table.
struct Job {
  spikesink::TrainConfig config;
  std::filesystem::path folder;
};

/// Returns the trainings of all rows and seeds. Rows that do not exist at the options' scale are
/// skipped, with a line on stdout. Throws std::invalid_argument for an unknown row.
std::vector<Job> list_jobs(const TableOptions& options);

/// Runs the jobs in `workers` threads and skips those that are finished. The first failure stops
/// all of them and is thrown.
void run_jobs(const std::vector<Job>& jobs, const TableOptions& options, int workers);

}  // namespace examples
