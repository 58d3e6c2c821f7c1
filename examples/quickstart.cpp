// A minimal example: finds the massive channels, clamps them, and prints the effect on the sinks.
#include <fmt/format.h>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace {

using namespace examples;

void print_summary(const std::string& title, const spikesink::AttentionSinks& sinks,
                   const spikesink::Perplexity& perplexity) {
  fmt::print("{}: sink ratio {:.1f} %, perplexity {:.4g}\n", title,
             sinks.result().sink_ratio_percent(spikesink::SinkDefinition::kGu),
             perplexity.result().perplexity);
}

void run(const Options& options, double limit) {
  auto experiment = open_experiment(options);
  auto& model = experiment.model;
  const auto& batches = experiment.batches;
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));

  spikesink::MassiveActivations spikes;
  spikesink::AttentionSinks sinks;
  spikesink::Perplexity perplexity;
  spikesink::run(model, batches, {&spikes, &sinks, &perplexity},
                 {.progress = progress_bar(options, "unchanged")});
  const auto channels = spikes.result().channels();
  if (!options.quiet)
    print_summary(fmt::format("massive channels {}", list(channels)), sinks, perplexity);
  auto report = make_report("quickstart", options, experiment);
  report.add(spikes.result());
  report.add(sinks.result());
  report.add(perplexity.result());
  report.write(options.out);

  const spikesink::EditChannels clamp(channels, spikesink::Clamp{limit});
  const auto scope = clamp.attach(model);  // undone when the scope ends
  spikesink::run(model, batches, {&sinks, &perplexity},
                 {.progress = progress_bar(options, "clamped")});
  if (options.quiet) return;
  print_summary(fmt::format("clamped to {} after every layer", limit), sinks, perplexity);
  fmt::print("report of the unchanged model: {}\n", (options.out / "report.html").string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Finds the massive channels of a transformer, clamps them, and shows what happens to its "
      "sinks.",
      "spikesink-quickstart");
  Options options;
  add_options(app, options);
  double limit = 20;
  app.add_option("--limit", limit, "largest magnitude of a clamped channel, from 0")
      ->capture_default_str()
      ->check(magnitude())
      ->type_name("X")
      ->group("Clamping");
  return run_example(app, argc, argv, [&] { run(options, limit); });
}
