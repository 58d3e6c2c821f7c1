// Changes one thing in a trained model, many times, and tells what each change did.
#include <fmt/format.h>

#include <cmath>

#include "interventions/plan.h"

namespace {

using namespace examples;

std::string told(double value, int digits = 4) {
  return std::isfinite(value) ? fmt::format("{:.{}g}", value, digits) : "not finite";
}

void tell(const std::vector<spikesink::InterventionResult>& results) {
  fmt::print("{:<24} {:>12} {:>25} {:>8} {:>10} {:>9}\n", "intervention", "perplexity",
             "95 % interval", "sinks", "spike", "KL");
  for (const auto& result : results) {
    const auto [low, high] = result.interval;
    fmt::print("{:<24} {:>12} {:>25} {:>6.1f} % {:>10} {:>9}\n", result.name,
               told(result.perplexity.perplexity), told(low) + " to " + told(high),
               result.sinks.sink_ratio(spikesink::SinkDefinition::kGu),
               told(result.spike.magnitude), told(result.divergence.mean, 3));
  }
}

void run(const Options& options, const std::vector<std::string>& names) {
  auto experiment = open_experiment(options);
  const auto say = [&](const std::string& line) {
    if (!options.quiet) fmt::print("{}\n", line);
  };
  say(experiment.describe(options));
  const auto targets = find_targets(experiment.model, experiment.batches,
                                    progress_bar(options, "finding spikes and sinks"));
  std::string note;
  const auto interventions = plan(targets, names, note);
  if (targets.layer >= 0)
    say(fmt::format("spike channels {}, edited after layer {}; {} sink heads",
                    list(targets.channels), targets.layer, targets.sink_heads.size()));
  if (!note.empty()) say(note);
  const auto results =
      spikesink::compare(experiment.model, experiment.batches, interventions,
                         static_cast<uint64_t>(options.seed), progress_bar(options, "intervening"));
  auto report = make_report("interventions", options, experiment);
  report.add(results);
  report.write(options.out);
  if (!options.quiet) tell(results);
  say(fmt::format("report {}", (options.out / "report.html").string()));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Changes one thing at a time in a trained model and tells what each change did.",
               "spikesink-interventions");
  Options options;
  options.text_sequences = 16;
  options.text_length = 512;
  add_options(app, options);
  std::vector<std::string> allowed, names;
  std::string words = "The interventions:\n";
  for (const auto& [name, what] : intervention_names()) {
    allowed.push_back(name);
    words += fmt::format("  {:<24} {}\n", name, what);
  }
  app.footer(words);
  app.add_option("--run", names, "only these interventions (default: all)")
      ->delimiter(',')
      ->check(CLI::IsMember(allowed))
      ->type_name("NAME,...");
  return run_example(app, argc, argv, [&] { run(options, names); });
}
