// Applies interventions to a trained model, one at a time, and prints the effect of each.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "interventions/intervention_list.h"

namespace {

using namespace examples;

std::string to_text(double value, int digits = 4) {
  return std::isfinite(value) ? fmt::format("{:.{}g}", value, digits) : "not finite";
}

void print_found(const SpikesAndSinks& found) {
  if (!found.birth) return;
  fmt::print("spike channels {}, created by block {}, edited after layer {}; {} sink heads\n",
             list(found.channels), found.birth->number, found.birth->layer(),
             found.sink_heads.size());
}

void print_table(const std::vector<spikesink::InterventionResult>& results) {
  constexpr auto kGu = spikesink::SinkDefinition::kGu;
  fmt::print("{:<26} {:>10} {:>24} {:>8} {:>10} {:>10} {:>8}\n", "intervention", "perplexity",
             "95 % interval", "sinks", "next key", "spike", "KL");
  for (const auto& result : results) {
    const auto [low, high] = result.interval;
    fmt::print("{:<26} {:>10} {:>24} {:>6.1f} % {:>8.1f} % {:>10} {:>8}\n", result.name,
               to_text(result.perplexity.perplexity), to_text(low) + " to " + to_text(high),
               result.sinks.sink_ratio_percent(kGu),
               result.sinks.sink_ratio_percent(kGu, result.next_key),
               to_text(result.spike.magnitude), to_text(result.divergence.mean, 3));
  }
}

void run(const Options& options, const InterventionList& list) {
  auto experiment = open_experiment(options);
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));
  const auto found =
      find_spikes_and_sinks(experiment, progress_bar(options, "finding spikes and sinks"));
  if (!options.quiet) print_found(found);
  const auto [interventions, skipped] = build_interventions(list, found, experiment);
  if (!options.quiet && !skipped.empty()) fmt::print("left out: {}\n", fmt::join(skipped, ", "));
  const auto results = spikesink::compare_interventions(
      experiment.model, experiment.batches, interventions, static_cast<uint64_t>(options.seed),
      progress_bar(options, "intervening"));
  auto report = make_report("interventions", options, experiment);
  report.add(results);
  report.write(options.out);
  if (options.quiet) return;
  print_table(results);
  fmt::print("report {}\n", (options.out / "report.html").string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Applies interventions to a trained model one at a time and compares perplexity, sinks and "
      "spikes with the unchanged model.",
      "spikesink-interventions");
  Options options;
  options.text_sequences = 16;
  options.text_length = 512;
  add_options(app, options);
  std::vector<std::string> names;
  std::optional<std::filesystem::path> file;
  app.add_option("--run", names, "interventions to run (default: all listed below)")
      ->delimiter(',')
      ->type_name("NAME,...")
      ->group("Interventions");
  app.add_option("--file", file,
                 "JSON list of interventions (docs/interventions.md) instead of those listed below")
      ->type_name("FILE")
      ->group("Interventions");
  app.footer(default_interventions().help());
  return run_example(app, argc, argv, [&] {
    auto list = file ? read_interventions(*file) : default_interventions();
    if (!names.empty()) list.select(names);
    run(options, list);
  });
}
