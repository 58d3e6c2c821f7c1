// Analyses a pretrained model: which blocks create and remove its spikes, which weights cause them,
// which tokens have them, which heads have attention sinks, and why.
#include <fmt/format.h>

#include <utility>

#include "anatomy/anatomy.h"

namespace {

// The name of a section as --help lists it. The keys of report.json ("life_cycle") and "sinks" are
// accepted too.
std::string section_name(std::string word) {
  word = examples::hyphenated(std::move(word));
  return word == "sinks" ? "attention-sinks" : word;
}

void run(examples::Options options, examples::Anatomy& anatomy) {
  auto experiment = examples::open_experiment(options);
  options.quiet = options.quiet || !experiment.is_first();
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));
  anatomy.measure(experiment, options);
  if (experiment.processes) experiment.processes->barrier();
  if (!experiment.is_first()) return;
  auto report = examples::make_report("anatomy", options, experiment);
  anatomy.add_to(report);
  report.write(options.out);
  if (options.quiet) return;
  anatomy.print_summary();
  fmt::print("report            {}\n", (options.out / "report.html").string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Takes a pretrained transformer apart: its spikes, its sinks, and why.",
               "spikesink-anatomy");
  examples::Options options;
  examples::Anatomy anatomy;
  examples::add_options(app, options);
  options.shares_work = true;
  std::vector<std::string> only, skip;
  const auto add_names = [&](const char* name, std::vector<std::string>& value, const char* help) {
    return app.add_option(name, value, help)
        ->transform(section_name)
        ->check(examples::one_of(anatomy.names()))
        ->delimiter(',')
        ->type_name("NAME,...")
        ->group("Sections");
  };
  auto* chosen = add_names("--only", only, "sections of the report (default: all listed below)");
  add_names("--skip", skip, "sections to leave out of the report")->excludes(chosen);
  app.footer(examples::help_list("Names for --only and --skip", anatomy.names()));
  return examples::run_example(app, argc, argv, [&] {
    anatomy.select(only, skip);
    run(options, anatomy);
  });
}
