#include "common/training.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>

#include "common/terminal.h"
#include "spikesink/report/report.h"
#include "spikesink/train/ablations.h"

namespace examples {
namespace {

void add_data_options(CLI::App& app, TrainingOptions& options) {
  app.add_option("--data", options.data.training,
                 "text (.txt, .md, .jsonl) or token shards (.bin) to train on, or folders of them "
                 "(default: the generated Bigram-Backcopy task)")
      ->type_name("PATH...")
      ->group(kTextGroup);
  app.add_option("--validation", options.data.validation,
                 "the same, for the validation loss and the measurements (default: the end of "
                 "--data)")
      ->type_name("PATH...")
      ->group(kTextGroup);
  app.add_option("--tokenizer", options.data.tokenizer,
                 "folder or file of the tokenizer (default: a BPE tokenizer trained on --data)")
      ->type_name("PATH")
      ->group(kTextGroup);
}

void add_size_options(CLI::App& app, TrainingOptions& options) {
  const auto add = [&](const char* name, std::optional<int64_t>& value, int64_t least,
                       const char* group, const char* help) {
    app.add_option(name, value, help)->check(whole_number(least))->type_name("N")->group(group);
  };
  add("--vocabulary", options.vocabulary, 1, kModelGroup,
      "number of tokens in the vocabulary (default: depends on --scale)");
  add("--length", options.length, 1, kTextGroup,
      "predictions per sequence (default: depends on --scale)");
  add("--sequences", options.sequences, 1, "Training",
      "sequences per step (default: depends on --scale)");
  add("--steps", options.steps, 1, "Training", "optimizer steps (default: depends on --scale)");
}

}  // namespace

void add_training_options(CLI::App& app, TrainingOptions& options) {
  add_data_options(app, options);
  add_size_options(app, options);
  app.add_flag("--bfloat16", options.bfloat16,
               "matrix products in bfloat16; weights, sums and norms stay in float32")
      ->group(kComputeGroup);
  add_device(app, options.device);
  add_run_options(app, options);
}

CLI::Option* add_scale(CLI::App& app, std::string& scale) {
  return app.add_option("--scale", scale, "size of the model: nano, micro, 60m, 1b or 7b")
      ->capture_default_str()
      ->type_name("SCALE")
      ->group(kModelGroup);
}

std::string rows_help() {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& row : spikesink::ablations())
    rows.emplace_back(row.name, row.fields.empty()
                                    ? "changes nothing"
                                    : fmt::format("changes {}", fmt::join(row.fields, ", ")));
  return help_list("Rows", rows);
}

spikesink::TrainConfig apply_options(spikesink::TrainConfig config,
                                     const TrainingOptions& options) {
  if (!options.data.training.empty()) config.data.training = options.data.training;
  if (!options.data.validation.empty()) config.data.validation = options.data.validation;
  if (!options.data.tokenizer.empty()) config.data.tokenizer = options.data.tokenizer;
  if (options.vocabulary) config.model.d_vocabulary = *options.vocabulary;
  if (options.length) {
    config.length = *options.length;
    config.model.context = std::max(config.model.context, config.length);
  }
  if (options.sequences) config.sequences = *options.sequences;
  if (options.steps) config.steps = *options.steps;
  config.bfloat16 = config.bfloat16 || options.bfloat16;
  return config;
}

TrainingProgress::TrainingProgress(bool shown, int64_t runs)
    : shown_(shown && isatty(STDERR_FILENO)), runs_(runs) {}

TrainingProgress::~TrainingProgress() {
  if (shown_) print_stderr("\r\033[K");
}

void TrainingProgress::update(const spikesink::TrainingRun& run,
                              const spikesink::TrainingStep& step) {
  if (!shown_) return;
  const std::lock_guard lock(mutex_);
  const auto& config = run.trainer().config();
  auto& measured = measured_[fmt::format("{} {}", config.name, config.seed)];
  if (step.validation)
    measured =
        fmt::format(", sinks {:.1f} %, spike {:.4g}",
                    step.validation->sinks.sink_ratio_percent(spikesink::SinkDefinition::kPaper),
                    step.validation->spike());
  const auto all = static_cast<double>(config.steps);
  if (step.step == run.resumed_from_step() + 1) trained_before_ += run.resumed_from_step() / all;
  trained_ += 1 / all;
  finished_ += run.done() ? 1 : 0;
  tokens_ += config.sequences * config.length;
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double left = static_cast<double>(runs_) - trained_before_ - trained_;
  print_stderr("\r{}{} seed {}, step {}/{}, loss {:.4f}{}, {:.0f} tokens/s, {:.0f} s left \033[K",
               runs_ > 1 ? fmt::format("{}/{} done, ", finished_, runs_.load()) : "", config.name,
               config.seed, step.step, config.steps, step.loss, measured,
               static_cast<double>(tokens_) / elapsed, elapsed * left / trained_);
}

void train(spikesink::TrainingRun& run, TrainingProgress& progress,
           const std::function<bool()>& stop) {
  while (!run.done() && !stop()) progress.update(run, run.step());
}

void write_training_report(const std::string& program, const TrainingOptions& options,
                           const std::vector<spikesink::TrainingRunLog>& runs) {
  spikesink::Report report(program);
  const auto& config = runs.front().config;
  report.add_configuration("data", config.data.training.empty()
                                       ? "Bigram-Backcopy"
                                       : fmt::format("{}", fmt::join(config.data.training, ", ")));
  report.add_configuration("device", options.device.str());
  report.add_configuration("dtype", config.bfloat16 ? "bfloat16" : "float32");
  report.add_configuration(
      "threads",
      static_cast<int64_t>(options.threads > 0 ? options.threads : at::get_num_threads()));
  report.add_configuration("seed", static_cast<int64_t>(config.seed));
  report.add(runs);
  report.write(options.out);
}

}  // namespace examples
