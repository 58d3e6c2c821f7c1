// The time of a training step. bench/training_speed.py compares it with eager PyTorch.
//
// Usage: training_speed (--config FILE.json | --row ROW --scale SCALE) [--steps N] [--warm-up N]
//        [--threads N]   (defaults: baseline nano, 5 steps after 2, all threads)
// Prints lines of JSON: the configuration, threads and parameters; the seconds of each step after
// the warm-up, including data, clipping and update; the seconds of one Trainer::run_validation().

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "spikesink/train/ablations.h"
#include "spikesink/train/trainer.h"
#include "spikesink/train/training_data.h"
#include "timing.h"

namespace {

using Options = std::map<std::string, std::string>;

Options options_of(int argc, char** argv) {
  Options options = {{"--config", ""}, {"--row", "baseline"}, {"--scale", "nano"},
                     {"--steps", "5"}, {"--warm-up", "2"},    {"--threads", "0"}};
  for (int index = 1; index < argc; index += 2) {
    const auto found = options.find(argv[index]);
    if (found == options.end() || index + 1 == argc)
      throw std::invalid_argument(
          fmt::format("{}: an option that is unknown or has no value", argv[index]));
    found->second = argv[index + 1];
  }
  return options;
}

spikesink::TrainConfig config_of(const Options& options) {
  const auto& file = options.at("--config");
  if (file.empty()) return spikesink::ablation_config(options.at("--row"), options.at("--scale"));
  std::ifstream stream(file);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  return spikesink::read_train_config(text, file);
}

void print(const nlohmann::json& line) {
  fmt::print("{}\n", line.dump());
  std::fflush(stdout);
}

void run(const Options& options) {
  auto config = config_of(options);
  const int64_t warm_up = std::stoll(options.at("--warm-up"));
  const int64_t steps = std::stoll(options.at("--steps"));
  if (const int threads = std::stoi(options.at("--threads")); threads > 0)
    at::set_num_threads(threads);
  config.steps = warm_up + steps + 1;  // the last step also validates
  config.measure_every = 0;
  spikesink::Trainer trainer(config, spikesink::open_training_data(config));
  int64_t parameters = 0;
  for (const auto& parameter : trainer.model()->parameters()) parameters += parameter.numel();
  print({{"config", nlohmann::json::parse(to_json(config))},
         {"threads", at::get_num_threads()},
         {"parameters", parameters}});
  for (int64_t step = 0; step < warm_up; ++step) trainer.step();
  for (int64_t step = 0; step < steps; ++step)
    print({{"step_seconds", bench::seconds([&] { trainer.step(); })}});
  print({{"measure_seconds", bench::seconds([&] { trainer.run_validation(); })}});
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(options_of(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "training_speed: {}\n", error.what());
    return 1;
  }
}
