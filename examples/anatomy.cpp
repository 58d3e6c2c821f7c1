// The anatomy of a pretrained model: where its spikes rise and fall, which tokens carry them, which
// heads are sinks.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace {

// Where the numbers end, when they do: another pass that watches every point.
std::vector<spikesink::NotFiniteValues> locate_not_finite(examples::Experiment& experiment,
                                                          const examples::Options& options) {
  spikesink::NotFinite not_finite;
  spikesink::run(experiment.model, experiment.batches, {&not_finite},
                 examples::progress_bar(options, "locating what is not finite"));
  return not_finite.result();
}

// An encoder's sinks may be the tokens at either end.
spikesink::AttentionSinksOptions sink_options(const spikesink::ModelConfig& config) {
  if (config.causal) return {};
  return {.keys = {0, -1}};
}

void tell(const spikesink::AttentionSinksResult& sinks) {
  for (const auto& [key, sequences, tokens] : sinks.keys) {
    fmt::print("sink ratio        {:.1f} % ({}, {}, epsilon {})\n",
               sinks.sink_ratio(spikesink::SinkDefinition::kGu, key),
               to_string(spikesink::SinkDefinition::kGu),
               key < 0 ? "last key" : fmt::format("key {}", key), sinks.epsilon);
    fmt::print("sink heads        {} of {}\n", sinks.sink_heads(key).size(),
               sinks.heads.size() / sinks.keys.size());
  }
  if (sinks.learned.empty()) return;
  double mass = 0;
  for (const auto& head : sinks.learned)
    mass += head.mass / static_cast<double>(sinks.learned.size());
  fmt::print("learned sinks     take {:.1f} % of the attention\n", 100 * mass);
}

void tell(const spikesink::LifeCycleResult& life, const spikesink::AttentionSinksResult& sinks) {
  fmt::print("spike channels    {}\n", examples::list(life.spike_channels));
  fmt::print("step-up blocks    {}\n", examples::list(life.step_up));
  fmt::print("step-down blocks  {}\n", examples::list(life.step_down));
  if (const auto excess = life.first_over(spikesink::kLargestFloat16))
    fmt::print("float16           would overflow: {:.0f} in channel {} at block {}\n",
               excess->peak.magnitude, excess->peak.channel, excess->block.number);
  tell(sinks);
}

void tell(const std::vector<spikesink::NotFiniteValues>& points) {
  if (points.empty()) return;
  const auto& first = points.front();
  const auto place = first.sequence ? fmt::format(", [{}] of sequence {}",
                                                  fmt::join(first.index, ", "), *first.sequence)
                                    : std::string();
  fmt::print(
      "NOT FINITE        at {} hook points; first at {}{}: {} infinite, {} NaN. They were left "
      "out\n",
      points.size(), first.point, place, first.infinite, first.nan);
}

void run(const examples::Options& options) {
  auto experiment = examples::open_experiment(options);
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));

  spikesink::LifeCycle life_cycle;
  spikesink::MassiveActivations massive;
  const auto& config = experiment.model->config();
  spikesink::AttentionSinks sinks(sink_options(config));
  spikesink::Perplexity perplexity;
  std::vector<spikesink::Measurement*> measurements = {&life_cycle, &massive, &sinks};
  if (config.predicts_next()) measurements.push_back(&perplexity);
  spikesink::run(experiment.model, experiment.batches, measurements,
                 examples::progress_bar(options, "measuring"));
  const auto life = life_cycle.result();
  const auto picture = spikesink::most_extreme_state(experiment.model, experiment.batches, life);

  auto report = examples::make_report("anatomy", options, experiment);
  report.add(life);
  report.add(massive.result());
  report.add(sinks.result());
  if (config.predicts_next()) report.add(perplexity.result());
  if (picture) report.add(*picture);
  std::vector<spikesink::NotFiniteValues> not_finite;
  if (life.not_finite() > 0) report.add(not_finite = locate_not_finite(experiment, options));
  report.write(options.out);
  if (options.quiet) return;
  tell(life, sinks.result());
  if (config.predicts_next()) {
    const auto [loss, value, tokens] = perplexity.result();
    fmt::print("perplexity        {:.2f} over {} tokens\n", value, tokens);
  }
  tell(not_finite);
  fmt::print("report            {}\n", (options.out / "report.html").string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Finds the spikes and sinks of a pretrained transformer and writes a report.",
               "spikesink-anatomy");
  examples::Options options;
  examples::add_options(app, options);
  return examples::run_example(app, argc, argv, [&] { run(options); });
}
