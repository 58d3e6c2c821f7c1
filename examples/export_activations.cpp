// Writes what any hook points saw to one .safetensors file, tensors named by their hook.
#include <fmt/format.h>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace {

// The tensors of all batches, joined along the sequences; `tokens` holds the ids.
std::map<std::string, torch::Tensor> collect(examples::Experiment& experiment,
                                             const std::vector<std::string>& patterns,
                                             const spikesink::Progress& progress) {
  std::map<std::string, std::vector<torch::Tensor>> parts;
  int64_t done = 0;
  for (const auto& batch : experiment.batches) {
    const auto ids = batch.ids.to(experiment.model->options().device());
    const auto cache = spikesink::run_with_cache(experiment.model, ids, patterns);
    for (const auto& [name, tensor] : cache.tensors()) parts[name].push_back(tensor.cpu());
    parts["tokens"].push_back(batch.ids);
    done += batch.ids.size(0);
    if (progress) progress(done, experiment.sequences());
  }
  std::map<std::string, torch::Tensor> joined;
  for (auto& [name, tensors] : parts) {
    joined[name] = tensors.size() == 1 ? tensors.front() : torch::cat(tensors);
    tensors.clear();
  }
  return joined;
}

void run(const examples::Options& options, const std::vector<std::string>& patterns) {
  auto experiment = examples::open_experiment(options);
  for (const auto& batch : experiment.batches) {
    if (batch.ids.size(1) != experiment.longest()) {
      throw std::invalid_argument(
          fmt::format("--tokens: sequences of {} and of {} tokens, expected one length",
                      batch.ids.size(1), experiment.longest()));
    }
  }
  for (const auto& pattern : patterns)
    experiment.model->hooks().matching(pattern);  // a wrong one is known before any work
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));

  const auto tensors = collect(experiment, patterns, examples::progress_bar(options, "exporting"));
  const auto file = options.out / "activations.safetensors";
  spikesink::save_safetensors(
      file, tensors, {{"model", options.model.string()}, {"spikesink", SPIKESINK_VERSION}});
  auto report = examples::make_report("export_activations", options, experiment);
  report.add(spikesink::open_safetensors(file)->tensors());
  report.write(options.out);
  if (!options.quiet) fmt::print("{} tensors in {}\n", tensors.size(), file.string());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes what any hook points of a transformer saw to DIR/activations.safetensors.",
               "spikesink-export_activations");
  examples::Options options;
  options.text_sequences = 1;
  examples::add_options(app, options);
  std::vector<std::string> patterns;
  app.add_option(
         "--hooks", patterns,
         "hook points: * stands for any characters but a dot, ** for any; several are allowed")
      ->required()
      ->type_name("PATTERN");
  return examples::run_example(app, argc, argv, [&] { run(options, patterns); });
}
