// Compares the tensors of a model's hook points with reference tensors, such as those of
// transformers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace {

using namespace examples;

spikesink::TokenBatches read_tokens(const spikesink::WeightSource& reference) {
  constexpr const char* kExpected = "expected [sequences, length] of int64";
  const auto file = reference.path().string();
  if (!reference.contains("tokens"))
    throw spikesink::FileError(fmt::format(
        "--reference: {} has no tensor 'tokens' with the token ids, {}", file, kExpected));
  const auto tokens = reference.tensor("tokens").contiguous();
  if (tokens.dim() != 2 || tokens.scalar_type() != torch::kLong)
    throw spikesink::FileError(fmt::format("--reference: the tensor 'tokens' of {} is {} of {}, {}",
                                           file, c10::str(tokens.sizes()), c10::str(tokens.dtype()),
                                           kExpected));
  if (tokens.size(1) == 0)
    throw spikesink::FileError(
        fmt::format("--reference: the sequences of 'tokens' are empty ({})", file));
  std::vector<std::vector<int64_t>> sequences;
  for (int64_t row = 0; row < tokens.size(0); ++row) {
    const auto* ids = tokens[row].data_ptr<int64_t>();
    sequences.emplace_back(ids, ids + tokens.size(1));
  }
  return spikesink::token_batches(sequences);
}

// `tokens` may have fewer sequences than the other tensors; these would be compared only partly.
void check_rows(const spikesink::ParityResult& result, const std::filesystem::path& file) {
  if (result.points.empty())
    throw spikesink::FileError(
        fmt::format("--reference: {} has no tensor named after a hook point", file.string()));
  for (const auto& point : result.points) {
    if (point.rows != point.shape.front())
      throw spikesink::FileError(
          fmt::format("--reference: the tensor '{}' has {} rows, expected {}, as 'tokens' has ({})",
                      point.point, point.shape.front(), point.rows, file.string()));
  }
}

void print_summary(const spikesink::ParityResult& result) {
  const auto& worst =
      *std::max_element(result.points.begin(), result.points.end(),
                        [](const auto& a, const auto& b) { return a.error < b.error; });
  fmt::print("compared          {} hook points, within {} + {} |reference|\n", result.points.size(),
             result.options.absolute, result.options.relative);
  fmt::print(
      "worst             {}: {:.3g} of the tolerance, at [{}]: got {:.9g}, expected {:.9g}\n",
      worst.point, worst.error, fmt::join(worst.worst, ", "), worst.got, worst.expected);
}

// Throws at the first difference in the order of the forward pass, which causes the later ones.
void check_equal(const spikesink::ParityResult& result, const Options& options) {
  const auto differs = [](const auto& point) { return point.outside > 0; };
  const auto& points = result.points;
  const auto first = std::find_if(points.begin(), points.end(), differs);
  if (first == points.end()) return;
  throw std::runtime_error(fmt::format(
      "{} of {} hook points differ from the reference, the first of them {}: {} value{}, by up to "
      "{:.3g}{}",
      std::count_if(points.begin(), points.end(), differs), points.size(), first->point,
      first->outside, first->outside == 1 ? "" : "s", first->largest_difference,
      options.load.dtype == torch::kDouble
          ? ""
          : " (use a reference in float64 and --dtype float64 to rule out rounding)"));
}

void run(const Options& options, const std::filesystem::path& file,
         const spikesink::ParityOptions& tolerance) {
  const std::shared_ptr<const spikesink::WeightSource> reference =
      spikesink::open_safetensors(file);
  spikesink::Parity parity(reference, tolerance);
  auto experiment = open_experiment(options, read_tokens(*reference), {"reference", file.string()});
  if (!options.quiet) fmt::print("{}\n", experiment.describe(options));
  spikesink::run(experiment.model, experiment.batches, {&parity},
                 {.progress = progress_bar(options, "comparing")});
  const auto result = parity.result();
  check_rows(result, file);
  auto report = make_report("parity", options, experiment);
  report.add(result);
  report.write(options.out);
  if (!options.quiet) print_summary(result);
  check_equal(result, options);
  if (!options.quiet) fmt::print("verdict           equal\n");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compares the tensors of a model's hook points with reference tensors.",
               "spikesink-parity");
  Options options;
  add_options(app, options);
  std::filesystem::path reference;
  spikesink::ParityOptions tolerance;
  auto* file =
      app.add_option("--reference", reference,
                     "safetensors file with 'tokens' [sequences, length] and tensors named "
                     "after hook points (scripts/reference_activations.py writes one)");
  file->required()->type_name("FILE")->group("Reference");
  for (const char* name : {"--text", "--tokens", "--sequences", "--length", "--bos"})
    app.get_option(name)->description("not used: --reference has the token ids")->excludes(file);
  const auto add_tolerance = [&](const char* name, double& value, const char* help) {
    app.add_option(name, value, help)
        ->capture_default_str()
        ->check(magnitude())
        ->type_name("X")
        ->group("Reference");
  };
  add_tolerance("--absolute", tolerance.absolute,
                "allowed difference, added to that of --relative");
  add_tolerance("--relative", tolerance.relative,
                "allowed difference as a fraction of the reference's magnitude");
  return run_example(app, argc, argv, [&] { run(options, reference, tolerance); });
}
