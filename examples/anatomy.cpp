// The anatomy of a pretrained model: where its spikes rise and fall and which weights make them,
// which tokens carry them, which heads are sinks and why.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "anatomy/anatomy.h"

namespace {

// The name of a section as report.json spells it: "life-cycle" is life_cycle, "sinks" is short for
// attention_sinks.
std::string section_name(std::string word) {
  std::replace(word.begin(), word.end(), '-', '_');
  return word == "sinks" ? "attention_sinks" : word;
}

void run(examples::Options options, examples::Anatomy& anatomy) {
  auto experiment = examples::open_experiment(options);
  options.quiet = options.quiet || !experiment.is_first();
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));
  anatomy.measure(experiment, options);
  if (experiment.processes) experiment.processes->meet();
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
        ->check(CLI::IsMember(anatomy.names()))
        ->type_name("SECTION")
        ->delimiter(',');
  };
  auto* chosen = add_names("--only", only, "make these sections of the report alone");
  add_names("--skip", skip, "leave these sections out")->excludes(chosen);
  app.footer(fmt::format("Sections: {}", fmt::join(anatomy.names(), ", ")));
  return examples::run_example(app, argc, argv, [&] {
    anatomy.select(only, skip);
    run(options, anatomy);
  });
}
