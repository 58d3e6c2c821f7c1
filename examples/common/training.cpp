#include "common/training.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "common/say.h"

#include "spikesink/report/report.h"

namespace examples {

void add_training_options(CLI::App& app, TrainingOptions& options) {
  app.add_option("--data", options.data.training,
                 "text (.txt, .md, .jsonl) or token shards (.bin) to train on, or folders of them "
                 "(default: a task made up by the program)")
      ->type_name("PATH");
  app.add_option("--validation", options.data.validation,
                 "the same to measure on (default: the end of what is trained on)")
      ->type_name("PATH");
  app.add_option("--tokenizer", options.data.tokenizer,
                 "tokenizer of the text (default: one is trained on it)")
      ->type_name("PATH");
  app.add_option("--vocabulary", options.vocabulary, "tokens that the model knows")
      ->check(whole_number(1));
  app.add_option("--length", options.length, "tokens of a sequence")->check(whole_number(2));
  app.add_option("--sequences", options.sequences, "sequences of a step")->check(whole_number(1));
  app.add_option("--steps", options.steps, "steps of a training")->check(whole_number(1));
  app.add_flag("--bfloat16", options.bfloat16,
               "matrix products in bfloat16; weights, sums and norms stay in float32");
  add_device(app, options.device);
  add_run_options(app, options);
}

spikesink::TrainConfig configured(spikesink::TrainConfig config, const TrainingOptions& options) {
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

TrainingLine::TrainingLine(bool shown, int64_t runs)
    : shown_(shown && isatty(STDERR_FILENO)), runs_(runs) {}

TrainingLine::~TrainingLine() {
  if (shown_) say("\r\033[K");
}

void TrainingLine::tell(const spikesink::TrainingRun& run, const spikesink::TrainingStep& step) {
  if (!shown_) return;
  const std::lock_guard lock(mutex_);
  const auto& config = run.trainer().config();
  auto& measured = measured_[fmt::format("{} {}", config.name, config.seed)];
  if (step.state)
    measured = fmt::format(", sinks {:.1f} %, spike {:.4g}",
                           step.state->sinks.sink_ratio(spikesink::SinkDefinition::kGu),
                           step.state->spike());
  const auto all = static_cast<double>(config.steps);
  if (step.step == run.began_after() + 1) trained_before_ += run.began_after() / all;
  trained_ += 1 / all;
  done_ += run.done() ? 1 : 0;
  tokens_ += config.sequences * config.length;
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double left = static_cast<double>(runs_) - trained_before_ - trained_;
  say("\r{}{} seed {}, step {}/{}, loss {:.4f}{}, {:.0f} tokens/s, {:.0f} s left \033[K",
      runs_ > 1 ? fmt::format("{}/{} done, ", done_, runs_.load()) : "", config.name, config.seed,
      step.step, config.steps, step.loss, measured, static_cast<double>(tokens_) / elapsed,
      elapsed * left / trained_);
}

void train(spikesink::TrainingRun& run, TrainingLine& line, const std::function<bool()>& stop) {
  while (!run.done() && !stop()) line.tell(run, run.step());
}

void write_report(const std::string& program, const TrainingOptions& options,
                  const std::vector<spikesink::FinishedRun>& runs) {
  spikesink::Report report(program);
  const auto& config = runs.front().config;
  report.configure("data", config.data.training.empty()
                               ? "Bigram-Backcopy"
                               : fmt::format("{}", fmt::join(config.data.training, ", ")));
  report.configure("device", options.device.str());
  report.configure("dtype", config.bfloat16 ? "bfloat16" : "float32");
  report.configure("threads", static_cast<int64_t>(options.threads > 0 ? options.threads
                                                                       : at::get_num_threads()));
  report.configure("seed", static_cast<int64_t>(config.seed));
  report.add(runs);
  report.write(options.out);
}

}  // namespace examples
