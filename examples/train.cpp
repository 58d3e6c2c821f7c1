// Trains one model, a row of the paper's tables or one's own, and logs spikes and sinks as they
// emerge.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace {

using namespace examples;

struct TrainOptions {
  std::string row = "baseline", scale = "nano";
  std::optional<std::filesystem::path> config;
  std::optional<int64_t> steps, seed;
  int threads = 0;
  std::filesystem::path out = "spikesink-training";
  bool quiet = false;
};

spikesink::TrainConfig configuration(const TrainOptions& options) {
  auto config = options.config ? spikesink::read_train_config(read_file(*options.config),
                                                              options.config->string())
                               : spikesink::ablated(options.row, options.scale);
  if (options.steps) config.steps = *options.steps;
  if (options.seed) config.seed = static_cast<uint64_t>(*options.seed);
  return config;
}

// What is known now, on one line of a terminal.
class Line {
 public:
  explicit Line(bool shown) : shown_(shown) {}

  void tell(const spikesink::TrainingStep& step, int64_t steps) {
    if (step.state) state_ = step.state;
    if (!shown_) return;
    const double elapsed =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    fmt::print(stderr, "\rstep {}/{}, loss {:.4f}, {}{:.0f} tokens/s, {:.0f} s left \033[K",
               step.step, steps, step.loss,
               state_ ? fmt::format("sinks {:.1f} %, spike {:.4g}, ",
                                    state_->sinks.sink_ratio(spikesink::SinkDefinition::kGu),
                                    state_->spike())
                      : "",
               static_cast<double>(step.tokens) / elapsed,
               elapsed * static_cast<double>(steps - step.step) / static_cast<double>(step.step));
    if (step.step == steps) fmt::print(stderr, "\r\033[K");
  }

 private:
  bool shown_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::optional<spikesink::TrainingState> state_;
};

void run(const TrainOptions& options) {
  if (options.threads > 0) at::set_num_threads(options.threads);
  const auto config = configuration(options);
  spikesink::check_writable(options.out);
  std::ofstream(options.out / "train.json") << spikesink::to_json(config) << "\n";
  std::ofstream log(options.out / "log.jsonl");
  if (!log) throw spikesink::FormatError(fmt::format("cannot write into {}", options.out.string()));
  spikesink::Trainer trainer(
      config, std::make_shared<spikesink::BigramBackcopy>(config.backcopy, config.seed));
  Line line(!options.quiet && isatty(STDERR_FILENO));
  spikesink::TrainingStep step;
  while (!trainer.done()) {
    step = trainer.step();
    log << spikesink::to_json(step) << std::endl;
    line.tell(step, config.steps);
  }
  spikesink::save_model(trainer.model(), options.out / "model");
  if (options.quiet || !step.state) return;
  fmt::print("{}: loss {:.4f}, perplexity {:.4g}, sink ratio {:.1f} %, spike {:.4g}\n", config.name,
             step.state->perplexity.mean_loss, step.state->perplexity.perplexity,
             step.state->sinks.sink_ratio(spikesink::SinkDefinition::kGu), step.state->spike());
  fmt::print("log {}, model {}\n", (options.out / "log.jsonl").string(),
             (options.out / "model").string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains one model from scratch and logs spikes and sinks as they emerge.",
               "spikesink-train");
  TrainOptions options;
  std::string rows = "The rows:\n";
  for (const auto& row : spikesink::ablations()) rows += "  " + row.name + "\n";
  app.footer(rows);
  auto* config = app.add_option("--config", options.config, "a configuration of one's own");
  config->type_name("JSON");
  app.add_option("--row", options.row, "a row of the paper's tables 3 to 8")
      ->capture_default_str()
      ->excludes(config);
  app.add_option("--scale", options.scale, "nano, 60m, 1b or 7b")
      ->capture_default_str()
      ->excludes(config);
  app.add_option("--steps", options.steps, "instead of the configuration's")
      ->check(whole_number(1));
  app.add_option("--seed", options.seed, "of weights and data")->check(whole_number(0));
  app.add_option("--threads", options.threads, "threads to compute with (default: all)")
      ->check(whole_number(1));
  app.add_option("--out", options.out, "folder for the log and the model")
      ->capture_default_str()
      ->type_name("DIR");
  app.add_flag("--quiet", options.quiet, "print nothing but errors");
  return run_example(app, argc, argv, [&] { run(options); });
}
