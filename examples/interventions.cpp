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
  constexpr auto kGu = spikesink::SinkDefinition::kGu;
  fmt::print("{:<26} {:>10} {:>24} {:>8} {:>10} {:>10} {:>8}\n", "intervention", "perplexity",
             "95 % interval", "sinks", "next key", "spike", "KL");
  for (const auto& result : results) {
    const auto [low, high] = result.interval;
    fmt::print("{:<26} {:>10} {:>24} {:>6.1f} % {:>8.1f} % {:>10} {:>8}\n", result.name,
               told(result.perplexity.perplexity), told(low) + " to " + told(high),
               result.sinks.sink_ratio(kGu), result.sinks.sink_ratio(kGu, result.next_key),
               told(result.spike.magnitude), told(result.divergence.mean, 3));
  }
}

void run(const Options& options, const Plan& plan) {
  auto experiment = open_experiment(options);
  const auto say = [&](const std::string& line) {
    if (!options.quiet && !line.empty()) fmt::print("{}\n", line);
  };
  say(experiment.describe(options));
  const auto targets = find_targets(experiment, progress_bar(options, "finding spikes and sinks"));
  if (targets.birth)
    say(fmt::format("spike channels {}, born in block {}, edited after layer {}; {} sink heads",
                    list(targets.channels), targets.birth->number, targets.birth->layer(),
                    targets.sink_heads.size()));
  std::string note;
  const auto interventions = make(plan, targets, experiment, note);
  say(note);
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
  std::vector<std::string> names;
  std::optional<std::filesystem::path> file;
  app.footer("The interventions:\n" + default_plan().words());
  app.add_option("--file", file, "interventions to run instead (docs/interventions.md)")
      ->type_name("JSON");
  app.add_option("--run", names, "only these (default: all)")
      ->delimiter(',')
      ->type_name("NAME,...");
  return run_example(app, argc, argv, [&] {
    auto plan = file ? read_plan(*file) : default_plan();
    plan.choose(names);
    run(options, plan);
  });
}
