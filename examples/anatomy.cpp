// The anatomy of a pretrained model: where its spikes rise and fall and which weights make them,
// which tokens carry them, which heads are sinks and why.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "anatomy/anatomy.h"

namespace {

void run(examples::Options options, const examples::Sections& sections) {
  auto experiment = examples::open_experiment(options);
  options.quiet = options.quiet || !experiment.is_first();
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));
  const auto findings = examples::find(experiment, options, sections);
  if (experiment.processes) experiment.processes->meet();
  if (!experiment.is_first()) return;
  auto report = examples::make_report("anatomy", options, experiment);
  examples::add_findings(report, findings, sections, experiment);
  report.write(options.out);
  if (options.quiet) return;
  examples::tell(findings);
  fmt::print("report            {}\n", (options.out / "report.html").string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Takes a pretrained transformer apart: its spikes, its sinks, and why.",
               "spikesink-anatomy");
  examples::Options options;
  examples::add_options(app, options);
  options.shares_work = true;
  std::vector<std::string> only, skip;
  const auto add_names = [&](const char* name, std::vector<std::string>& value, const char* help) {
    return app.add_option(name, value, help)
        ->transform(examples::section_name)
        ->check(CLI::IsMember(examples::section_names()))
        ->type_name("SECTION")
        ->delimiter(',');
  };
  auto* chosen = add_names("--only", only, "make these sections of the report alone");
  add_names("--skip", skip, "leave these sections out")->excludes(chosen);
  app.footer(fmt::format("Sections: {}", fmt::join(examples::section_names(), ", ")));
  return examples::run_example(app, argc, argv,
                               [&] { run(options, examples::Sections(only, skip)); });
}
