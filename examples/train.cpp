// Trains one model, a row of the paper's tables or a custom configuration, and logs how spikes and
// sinks emerge. An interrupted training resumes when the program is run again.
#include <fmt/format.h>

#include "common/files.h"
#include "common/program.h"
#include "common/training.h"
#include "spikesink/spikesink.h"

namespace {

using namespace examples;

struct TrainOptions : TrainingOptions {
  std::string row = "baseline";
  std::optional<std::filesystem::path> config;
  bool seed_given = false;
  bool print_config = false;
};

spikesink::TrainConfig make_config(const TrainOptions& options) {
  auto config = options.config ? spikesink::read_train_config(read_file(*options.config),
                                                              options.config->string())
                               : spikesink::ablation_config(options.row, options.scale);
  config = apply_options(std::move(config), options);
  if (options.seed_given || !options.config) config.seed = static_cast<uint64_t>(options.seed);
  return config;
}

void print_start(const spikesink::TrainingRun& training) {
  for (const auto& sentence : training.damaged_checkpoints())
    fmt::print("set aside: {}\n", sentence);
  if (training.resumed_from_step() > 0)
    fmt::print("going on after step {}\n", training.resumed_from_step());
}

void print_summary(const spikesink::TrainingRunLog& run, const TrainOptions& options) {
  const auto row = spikesink::summarize_rows({run}).front();
  if (row.loss && row.perplexity && row.sink_ratio_percent && row.gu_sink_ratio_percent &&
      row.spike)
    fmt::print(
        "{}: loss {:.4f}, perplexity {:.4g}, sink ratio {:.1f} % (paper), {:.1f} % (gu), spike "
        "{:.4g}\n",
        row.row, row.loss->mean, row.perplexity->mean, row.sink_ratio_percent->mean,
        row.gu_sink_ratio_percent->mean, row.spike->mean);
  fmt::print("log {}, model {}\nreport {}\n", (options.out / "log.jsonl").string(),
             (options.out / "model").string(), (options.out / "report.html").string());
}

void run(TrainOptions options) {
  if (options.print_config) {
    fmt::print("{}\n", to_json(make_config(options)));
    return;
  }
  if (options.threads > 0) at::set_num_threads(options.threads);
  check_device(options.device);
  const auto processes = spikesink::join_process_group();
  options.quiet = options.quiet || !spikesink::is_main_process(processes.get());
  spikesink::TrainingRun training(make_config(options), options.out,
                                  device_of(processes.get(), options.device), processes.get());
  if (!options.quiet) print_start(training);
  {
    TrainingProgress progress(!options.quiet, 1);
    train(training, progress, [] { return false; });
  }
  if (!spikesink::is_main_process(processes.get())) return;
  const auto finished = spikesink::read_training_run(options.out);
  write_training_report("train", options, {finished});
  if (!options.quiet) print_summary(finished, options);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains one model from scratch and logs spikes and sinks as they emerge.",
               "spikesink-train");
  TrainOptions options;
  auto* config =
      app.add_option("--config", options.config,
                     "whole configuration in JSON, such as train.json of an earlier --out");
  config->type_name("FILE")->group(kModelGroup);
  app.add_option("--row", options.row, "row of the paper's tables 3 to 8, listed below")
      ->capture_default_str()
      ->type_name("ROW")
      ->group(kModelGroup)
      ->excludes(config);
  add_scale(app, options.scale)->excludes(config);
  add_training_options(app, options);
  app.add_flag("--print-config", options.print_config,
               "print the effective configuration as JSON and end")
      ->group(kOutputGroup);
  app.footer(rows_help());
  return run_example(
      app, argc, argv,
      [&] {
        options.seed_given = app.count("--seed") > 0;
        run(options);
      },
      kResumeAdvice);
}
