// Does a checkpoint give here what it gives elsewhere? Compares hook points with reference tensors.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace {

spikesink::TokenBatches read_tokens(const spikesink::WeightSource& reference) {
  if (!reference.contains("tokens")) {
    throw spikesink::FormatError(
        fmt::format("--reference: {} has no tensor 'tokens' with the ids of the sequences, "
                    "expected [sequences, "
                    "length] of int64",
                    reference.path().string()));
  }
  const auto tokens = reference.tensor("tokens").contiguous();
  if (tokens.dim() != 2 || tokens.scalar_type() != torch::kLong) {
    throw spikesink::FormatError(
        fmt::format("--reference: the tensor 'tokens' of {} is {} {}, expected [sequences, length] "
                    "of int64",
                    reference.path().string(), c10::str(tokens.sizes()), c10::str(tokens.dtype())));
  }
  if (tokens.size(1) == 0)
    throw spikesink::FormatError(fmt::format(
        "--reference: the sequences of 'tokens' are empty ({})", reference.path().string()));
  std::vector<std::vector<int64_t>> sequences;
  for (int64_t row = 0; row < tokens.size(0); ++row) {
    const auto* ids = tokens[row].data_ptr<int64_t>();
    sequences.emplace_back(ids, ids + tokens.size(1));
  }
  return spikesink::token_batches(sequences);
}

// A reference of more sequences than `tokens` would be compared in part only.
void check_rows(const spikesink::TensorParity& point, const std::filesystem::path& file) {
  if (point.rows == point.shape.front()) return;
  throw spikesink::FormatError(
      fmt::format("--reference: the tensor '{}' has {} rows, expected {} as 'tokens' say ({})",
                  point.point, point.shape.front(), point.rows, file.string()));
}

void tell(const std::vector<spikesink::TensorParity>& points,
          const spikesink::ParityOptions& limits) {
  const auto& worst = *std::max_element(
      points.begin(), points.end(), [](const auto& a, const auto& b) { return a.error < b.error; });
  fmt::print("compared          {} hook points, within {} + {} |reference|\n", points.size(),
             limits.absolute, limits.relative);
  fmt::print(
      "worst             {}: {:.3g} of what is allowed, at [{}]: got {:.9g}, expected {:.9g}\n",
      worst.point, worst.error, fmt::join(worst.worst, ", "), worst.got, worst.expected);
}

// In the order of the forward pass: where it began.
void check(const std::vector<spikesink::TensorParity>& points, const examples::Options& options) {
  const auto differs = [](const auto& point) { return point.outside > 0; };
  const auto first = std::find_if(points.begin(), points.end(), differs);
  if (first == points.end()) return;
  throw std::runtime_error(fmt::format(
      "{} of {} hook points differ from the reference, the first of them {}: {} value{}, by up to "
      "{:.3g}{}",
      std::count_if(points.begin(), points.end(), differs), points.size(), first->point,
      first->outside, first->outside == 1 ? "" : "s", first->largest_difference,
      options.load.dtype == torch::kDouble
          ? ""
          : " (a reference in float64 and --dtype float64 tell rounding from a mistake)"));
}

void run(const examples::Options& options, const std::filesystem::path& file,
         const spikesink::ParityOptions& limits) {
  const std::shared_ptr<const spikesink::WeightSource> reference =
      spikesink::open_safetensors(file);
  spikesink::Parity parity(reference, limits);
  auto experiment =
      examples::open_experiment(options, read_tokens(*reference), {"reference", file.string()});
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));

  spikesink::run(experiment.model, experiment.batches, {&parity},
                 examples::progress_bar(options, "comparing"));
  if (parity.result().empty()) {
    throw spikesink::FormatError(
        fmt::format("--reference: {} has no tensor named after a hook point", file.string()));
  }
  for (const auto& point : parity.result()) check_rows(point, file);
  auto report = examples::make_report("parity", options, experiment);
  report.add(parity.result(), limits);
  report.write(options.out);
  if (!options.quiet) tell(parity.result(), limits);
  check(parity.result(), options);
  if (!options.quiet) fmt::print("verdict           equal\n");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compares what a model's hook points show with reference tensors.",
               "spikesink-parity");
  examples::Options options;
  examples::add_options(app, options);
  std::filesystem::path reference;
  spikesink::ParityOptions limits;
  auto* file = app.add_option("--reference", reference,
                              "safetensors: 'tokens' [sequences, length], and tensors named after "
                              "their hook point (scripts/reference_activations.py makes one)");
  file->required()->type_name("FILE");
  for (const char* name : {"--text", "--tokens", "--sequences", "--length", "--bos"})
    app.get_option(name)->excludes(file);
  app.add_option("--absolute", limits.absolute, "what may always differ")->capture_default_str();
  app.add_option("--relative", limits.relative, "what may differ for each unit of the reference")
      ->capture_default_str();
  return examples::run_example(app, argc, argv, [&] { run(options, reference, limits); });
}
