// The shortest use of the library: find the massive channels, clamp them, and see what becomes of
// the sinks.
#include <fmt/format.h>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace {

void run(const examples::Options& options, double limit) {
  if (!(limit >= 0))
    throw std::invalid_argument(fmt::format("--limit: got {}, expected a magnitude from 0", limit));
  auto experiment = examples::open_experiment(options);
  auto& model = experiment.model;
  const auto& batches = experiment.batches;
  const auto say = [&](const std::string& line) {
    if (!options.quiet) fmt::print("{}\n", line);
  };
  say(experiment.describe(options));

  spikesink::MassiveActivations spikes;
  spikesink::AttentionSinks sinks;
  spikesink::Perplexity perplexity;
  spikesink::run(model, batches, {&spikes, &sinks, &perplexity},
                 examples::progress_bar(options, "as it is"));
  auto report = examples::make_report("quickstart", options, experiment);
  report.add(spikes.result());
  report.add(sinks.result());
  report.add(perplexity.result());
  report.write(options.out);

  const auto sum_up = [&] {
    return fmt::format("sink ratio {:.1f} %, perplexity {:.4g}",
                       sinks.result().sink_ratio(spikesink::SinkDefinition::kGu),
                       perplexity.result().perplexity);
  };
  say(fmt::format("massive channels {}: {}", examples::list(spikes.result().channels()), sum_up()));

  const spikesink::EditChannels clamp(spikes.result().channels(), spikesink::Clamp{limit});
  const auto scope = clamp.attach(model);  // undone when the scope ends
  spikesink::run(model, batches, {&sinks, &perplexity}, examples::progress_bar(options, "clamped"));
  say(fmt::format("clamped to {} after every layer: {}", limit, sum_up()));
  say(fmt::format("report of the model as it is: {}", (options.out / "report.html").string()));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Finds the massive channels of a transformer, clamps them, and shows what becomes of its "
      "sinks.",
      "spikesink-quickstart");
  examples::Options options;
  examples::add_options(app, options);
  double limit = 20;
  app.add_option("--limit", limit, "largest magnitude that the massive channels are left")
      ->capture_default_str();
  return examples::run_example(app, argc, argv, [&] { run(options, limit); });
}
