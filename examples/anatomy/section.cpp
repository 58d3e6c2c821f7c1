#include "anatomy/section.h"

namespace examples {

void TextRun::execute(Experiment& experiment, const Options& options, const std::string& task) {
  if (measurements_.empty()) return;
  spikesink::run(
      experiment.model, experiment.batches, measurements_,
      {.progress = progress_bar(options, task), .processes = experiment.processes.get()});
  for (const auto& store : store_results_) store();
}

void Section::select() {
  in_report_ = true;
  require();
}

void Section::require() {
  if (measures_) return;
  measures_ = true;
  for (auto* section : needs()) section->require();
}

}  // namespace examples
