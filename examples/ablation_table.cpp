// Trains rows of the paper's tables over several seeds and prints the results beside the paper's.
// A second run skips finished trainings.
#include <fmt/format.h>

#include <algorithm>

#include "ablation_table/jobs.h"
#include "common/program.h"
#include "spikesink/spikesink.h"

namespace {

using namespace examples;

constexpr int64_t kWidthOfManyThreads = 512;  // more threads than one make narrower models slower

// Returns "mean (minimum-maximum)" over the seeds.
std::string to_text(const std::optional<spikesink::SeedRange>& range, int digits) {
  if (!range) return "-";
  if (range->low == range->high) return fmt::format("{:.{}f}", range->mean, digits);
  return fmt::format("{0:.{3}f} ({1:.{3}f}-{2:.{3}f})", range->mean, range->low, range->high,
                     digits);
}

void print_table(const std::vector<spikesink::RowSummary>& rows) {
  fmt::print("{:<28} {:>21} {:>18} {:>18} {:>22} {:>16}   {}\n", "mean (minimum-maximum)", "loss",
             "sinks (paper), %", "sinks (gu), %", "spike", "massive channels",
             "the paper's perplexity, sinks, spike");
  for (const auto& row : rows) {
    fmt::print("{:<28} {:>21} {:>18} {:>18} {:>22} {:>16}", row.row, to_text(row.loss, 3),
               to_text(row.sink_ratio_percent, 1), to_text(row.gu_sink_ratio_percent, 1),
               to_text(row.spike, 1), to_text(row.massive_channels, 1));
    if (row.paper)
      fmt::print("   {:>22} {:>11} {:>6}", row.paper->perplexity, row.paper->sink_ratio_percent,
                 row.paper->spike);
    fmt::print("\n");
  }
}

// The number of simultaneous trainings: one per thread for small models, otherwise one.
int count_workers(const TableOptions& options) {
  if (options.jobs) return *options.jobs;
  if (spikesink::baseline(options.scale).model.d_model >= kWidthOfManyThreads) return 1;
  const int all = at::get_num_threads();
  return options.threads > 0 ? std::max(1, all / options.threads) : all;
}

void run(TableOptions options) {
  check_device(options.device);
  refuse_job();
  const int workers = count_workers(options);
  if (options.threads == 0) options.threads = std::max(1, at::get_num_threads() / workers);
  spikesink::prepare_report_folder(options.out);
  const auto jobs = list_jobs(options);
  run_jobs(jobs, options, workers);
  std::vector<spikesink::TrainingRunLog> runs;
  for (const auto& job : jobs) runs.push_back(spikesink::read_training_run(job.folder));
  write_training_report("ablation-table", options, runs);
  if (options.quiet) return;
  print_table(spikesink::summarize_rows(runs));
  fmt::print("report {}\n", (options.out / "report.html").string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Trains rows of the paper's tables 3 to 8 over several seeds and prints the results beside "
      "the paper's.",
      "spikesink-ablation-table");
  TableOptions options;
  app.add_option("--rows", options.rows,
                 "rows to train, listed below, or tables such as table5 for all of their rows")
      ->default_str("table5 table7")
      ->type_name("ROW...")
      ->group("Training");
  app.add_option("--seeds", options.seeds,
                 "trainings of each row, with seeds --seed, --seed + 1, ...")
      ->capture_default_str()
      ->check(whole_number(1))
      ->type_name("N")
      ->group("Training");
  app.add_option("--jobs", options.jobs,
                 "trainings at a time (default: at scales nano and micro cores divided by "
                 "--threads, otherwise 1)")
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->group("Training");
  add_scale(app, options.scale);
  add_training_options(app, options);
  app.footer(rows_help());
  return run_example(
      app, argc, argv, [&] { run(options); }, kResumeAdvice);
}
