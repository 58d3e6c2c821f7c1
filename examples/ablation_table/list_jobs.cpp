#include <fmt/format.h>

#include <algorithm>

#include "ablation_table/jobs.h"
#include "spikesink/spikesink.h"

namespace examples {
namespace {

// A row may equal the baseline at a scale, or be no valid model.
bool exists_at_scale(const std::string& row, const TableOptions& options) {
  try {
    spikesink::ablation_config(row, options.scale);
    return true;
  } catch (const std::invalid_argument& error) {
    if (!options.quiet) fmt::print("left out: {} ({})\n", row, error.what());
    return false;
  }
}

// Returns the baseline and then the names, with each table ("table5") replaced by its rows.
std::vector<std::string> expand_rows(const TableOptions& options) {
  std::vector<std::string> rows;
  const auto add = [&](const std::string& name) {
    if (std::find(rows.begin(), rows.end(), name) == rows.end()) rows.push_back(name);
  };
  for (const auto& name : options.rows) {
    bool is_table = false;
    for (const auto& row : spikesink::ablations()) {
      if (!row.name.starts_with(name + "/")) continue;
      if (!is_table) add("baseline");
      is_table = true;
      if (exists_at_scale(row.name, options)) add(row.name);
    }
    if (!is_table) add(spikesink::find_ablation(name).name);
  }
  return rows;
}

}  // namespace

std::vector<Job> list_jobs(const TableOptions& options) {
  std::vector<Job> jobs;
  for (const auto& row : expand_rows(options)) {
    for (int64_t index = 0; index < options.seeds; ++index) {
      const uint64_t seed = static_cast<uint64_t>(options.seed) + static_cast<uint64_t>(index);
      auto config = apply_options(spikesink::ablation_config(row, options.scale), options);
      config.seed = seed;
      jobs.push_back({config, options.out / row / fmt::format("seed-{}", seed)});
    }
  }
  return jobs;
}

}  // namespace examples
