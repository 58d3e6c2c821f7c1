// Trains rows of the paper's tables over seeds and puts what comes out beside what the paper says.
// Run again, it skips what is done.
#include <fmt/format.h>

#include <thread>

#include "common/experiment.h"
#include "common/training.h"
#include "spikesink/spikesink.h"

namespace {

using namespace examples;
using spikesink::TrainConfig;

struct TableOptions : TrainingOptions {
  std::vector<std::string> rows = {"baseline", "table5/sandwich", "table5/dynamic-tanh",
                                   "table7/conditional-head"};
  int64_t seeds = 3;
  std::optional<int> jobs;
};

// A row of a table that cannot be told from the baseline at this size, or is no model, is left out.
bool exists_at(const std::string& row, const TableOptions& options) {
  try {
    spikesink::ablated(row, options.scale);
    return true;
  } catch (const std::invalid_argument& error) {
    if (!options.quiet) fmt::print("left out: {} ({})\n", row, error.what());
    return false;
  }
}

// "table5" stands for its rows, and the baseline for what they differ from.
std::vector<std::string> rows_of(const TableOptions& options) {
  std::vector<std::string> rows;
  const auto add = [&](const std::string& name) {
    if (std::find(rows.begin(), rows.end(), name) == rows.end()) rows.push_back(name);
  };
  for (const auto& asked : options.rows) {
    bool is_table = false;
    for (const auto& row : spikesink::ablations()) {
      if (!row.name.starts_with(asked + "/")) continue;
      if (!is_table) add("baseline");
      is_table = true;
      if (exists_at(row.name, options)) add(row.name);
    }
    if (!is_table) add(spikesink::find_ablation(asked).name);
  }
  return rows;
}

struct Job {
  TrainConfig config;
  std::filesystem::path folder;
};

std::vector<Job> jobs_of(const TableOptions& options) {
  std::vector<Job> jobs;
  for (const auto& row : rows_of(options)) {
    for (int64_t index = 0; index < options.seeds; ++index) {
      const uint64_t seed = static_cast<uint64_t>(options.seed) + static_cast<uint64_t>(index);
      auto config = configured(spikesink::ablated(row, options.scale), options);
      config.seed = seed;
      jobs.push_back({config, options.out / row / fmt::format("seed-{}", seed)});
    }
  }
  return jobs;
}

// Trains what no other thread has taken, until all are done or one of them fails.
class Workers {
 public:
  Workers(const std::vector<Job>& jobs, const TableOptions& options)
      : jobs_(jobs), options_(options), line_(!options.quiet, static_cast<int64_t>(jobs.size())) {}

  void run(int count) {
    {
      std::vector<std::jthread> threads;
      for (int worker = 0; worker < count; ++worker) threads.emplace_back([this] { work(); });
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void work() {
    at::set_num_threads(options_.threads);
    try {
      for (size_t job; (job = next_++) < jobs_.size() && !stopped_;) train_one(jobs_[job]);
    } catch (...) {
      if (!stopped_.exchange(true)) failure_ = std::current_exception();
    }
  }

  void train_one(const Job& job) {
    if (spikesink::is_finished(job.config, job.folder)) return line_.skip();
    spikesink::TrainingRun run(job.config, job.folder, options_.device);
    train(run, line_, [this] { return stopped_.load(); });
  }

  const std::vector<Job>& jobs_;
  const TableOptions& options_;
  TrainingLine line_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  std::exception_ptr failure_;
};

std::string in_words(const std::optional<spikesink::Spread>& spread, int digits) {
  if (!spread) return "-";
  if (spread->low == spread->high) return fmt::format("{:.{}f}", spread->mean, digits);
  return fmt::format("{0:.{3}f} ({1:.{3}f}-{2:.{3}f})", spread->mean, spread->low, spread->high,
                     digits);
}

void tell(const std::vector<spikesink::RowSummary>& rows) {
  fmt::print("{:<28} {:>21} {:>22} {:>20}   {}\n", "mean (least-greatest)", "loss", "sink ratio, %",
             "spike", "the paper's perplexity, sink ratio, spike");
  for (const auto& row : rows) {
    fmt::print("{:<28} {:>21} {:>22} {:>20}", row.row, in_words(row.loss, 3),
               in_words(row.sink_ratio_percent, 1), in_words(row.spike, 1));
    if (row.paper)
      fmt::print("   {:>22} {:>11} {:>6}", row.paper->perplexity, row.paper->sink_ratio_percent,
                 row.paper->spike);
    fmt::print("\n");
  }
}

void run(TableOptions options) {
  check_device(options.device);
  refuse_job();
  const int all = at::get_num_threads();
  const int at_once = options.threads > 0 ? std::max(1, all / options.threads) : all;
  const int count = options.jobs.value_or(options.scale == "nano" ? at_once : 1);
  if (options.threads == 0) options.threads = std::max(1, all / count);
  spikesink::check_writable(options.out);
  const auto jobs = jobs_of(options);
  Workers(jobs, options).run(count);
  std::vector<spikesink::FinishedRun> runs;
  for (const auto& job : jobs) runs.push_back(spikesink::read_training_run(job.folder));
  write_report("ablation_table", options, runs);
  if (options.quiet) return;
  tell(spikesink::summarize(runs));
  fmt::print("report {}\n", (options.out / "report.html").string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Trains rows of the paper's tables 3 to 8 over seeds and sets them beside the paper.",
      "spikesink-ablation_table");
  TableOptions options;
  app.add_option("--rows", options.rows, "rows, or tables (table5) for all of theirs")
      ->capture_default_str()
      ->type_name("ROW");
  app.add_option("--scale", options.scale, "nano, 60m, 1b or 7b")->capture_default_str();
  app.add_option("--seeds", options.seeds, "trainings of each row, with seeds from --seed on")
      ->capture_default_str()
      ->check(whole_number(1));
  app.add_option("--jobs", options.jobs,
                 "trainings at a time (default: one a thread at nano, else one)")
      ->check(whole_number(1, 1024));
  add_training_options(app, options);
  return run_example(
      app, argc, argv, [&] { run(options); }, kGoOn);
}
