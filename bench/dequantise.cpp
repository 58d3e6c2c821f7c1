// The speed of dequantising a model's quantised matrices, beside that of copying the same values:
// each is read from the mapped file, which is in the system's cache.
//
// Usage: dequantise MODEL [repeats]   (default: 5)

#include <fmt/format.h>

#include <string>

#include "model/open_model.h"
#include "timing.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: dequantise MODEL [repeats]\n");
    return 2;
  }
  const torch::NoGradGuard no_grad;
  const auto model = spikesink::detail::open_model(argv[1], {});
  const auto& source = *model.source;
  std::vector<std::string> names;
  for (const auto& info : source.tensors()) {
    if (source.byte_ranges(info.name).size() > 1 && names.size() < 16) names.push_back(info.name);
  }
  if (names.empty()) {
    fmt::print("{}: no quantised matrices of several tensors\n", argv[1]);
    return 1;
  }
  double bytes = 0;
  std::vector<torch::Tensor> values;
  for (const auto& name : names) {
    values.push_back(source.tensor(name));
    bytes += static_cast<double>(values.back().nbytes());
  }
  const bench::Pair times(
      [&] {
        for (const auto& value : values) value.clone();
      },
      [&] {
        for (const auto& name : names) source.tensor(name);
      },
      argc > 2 ? std::stoi(argv[2]) : 5);
  fmt::print(
      "{}: copy {:.2f} GB/s, dequantise {:.2f} GB/s of float32, ratio of times {:.2f} "
      "({:.2f}-{:.2f})\n",
      model.config.quantisation, bytes / times.first.median() / 1e9,
      bytes / times.second.median() / 1e9, times.ratios.median(), times.ratios.fastest(),
      times.ratios.slowest());
}
