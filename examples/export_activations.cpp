// Writes the tensors of any hook points to one .safetensors file, each named after its point.
#include <fmt/format.h>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace {

using namespace examples;

void check_lengths(const Experiment& experiment) {
  for (const auto& batch : experiment.batches) {
    if (batch.ids.size(1) != experiment.longest())
      throw std::invalid_argument(
          fmt::format("--tokens: got sequences of {} and of {} tokens, expected one length",
                      batch.ids.size(1), experiment.longest()));
  }
}

// An unknown hook point is an error before the model runs.
void check_patterns(Experiment& experiment, const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns) experiment.model->hooks().matching_names(pattern);
}

// Returns the tensors of all batches, concatenated along the sequences; `tokens` contains the ids.
std::map<std::string, torch::Tensor> collect(Experiment& experiment,
                                             const std::vector<std::string>& patterns,
                                             const spikesink::ProgressCallback& progress) {
  std::map<std::string, std::vector<torch::Tensor>> by_batch;
  int64_t done = 0;
  for (const auto& batch : experiment.batches) {
    const auto ids = batch.ids.to(experiment.model->options().device());
    const auto cache = spikesink::run_with_cache(experiment.model, ids, patterns);
    for (const auto& [name, tensor] : cache.tensors()) by_batch[name].push_back(tensor.cpu());
    by_batch["tokens"].push_back(batch.ids);
    done += batch.ids.size(0);
    if (progress) progress(done, experiment.sequences());
  }
  std::map<std::string, torch::Tensor> joined;
  for (auto& [name, tensors] : by_batch) {
    joined[name] = tensors.size() == 1 ? tensors.front() : torch::cat(tensors);
    tensors.clear();  // frees them before the next concatenation
  }
  return joined;
}

void run(const Options& options, const std::vector<std::string>& patterns) {
  auto experiment = open_experiment(options);
  check_lengths(experiment);
  check_patterns(experiment, patterns);
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));

  const auto tensors = collect(experiment, patterns, progress_bar(options, "exporting"));
  const auto file = options.out / "activations.safetensors";
  spikesink::save_safetensors(
      file, tensors, {{"model", options.model.string()}, {"spikesink", SPIKESINK_VERSION}});
  auto report = make_report("export-activations", options, experiment);
  report.add(spikesink::open_safetensors(file)->tensors());
  report.write(options.out);
  if (!options.quiet) fmt::print("{} tensors in {}\n", tensors.size(), file.string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Writes the tensors of hook points, and the token ids, to DIR/activations.safetensors.",
      "spikesink-export-activations");
  Options options;
  options.text_sequences = 1;
  add_options(app, options);
  std::vector<std::string> patterns;
  app.add_option("--hooks", patterns,
                 "names of hook points (docs/hooks.md); * matches any characters but a dot, ** "
                 "any characters")
      ->required()
      ->type_name("PATTERN...")
      ->group("Hook points");
  return run_example(app, argc, argv, [&] { run(options, patterns); });
}
