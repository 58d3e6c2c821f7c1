// Compares the library's linear map with PyTorch's, in bfloat16 and float32, timed alternately.
//
// Usage: linear_map TOKENS IN OUT [repeats]   (default: 5)

#include <fmt/format.h>

#include <string>

#include "spikesink/model/linear.h"
#include "timing.h"

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print("usage: linear_map TOKENS IN OUT [repeats]\n");
    return 2;
  }
  const torch::NoGradGuard no_grad;
  const int64_t tokens = std::stoll(argv[1]), in = std::stoll(argv[2]), out = std::stoll(argv[3]);
  for (const auto dtype : {torch::kFloat, torch::kBFloat16}) {
    spikesink::Linear map(in, out, /*has_bias=*/false);
    map->weight.copy_(torch::randn({out, in}));
    map->to(dtype);
    const auto x = torch::randn({tokens, in}).to(dtype);
    const bench::Pair times([&] { at::linear(x, map->weight); }, [&] { map->forward(x); },
                            argc > 4 ? std::stoi(argv[4]) : 5);
    fmt::print("{}: at::linear {:.1f} ms, ours {:.1f} ms, ratio {:.2f} ({:.2f}-{:.2f})\n",
               c10::toString(dtype), 1e3 * times.first.median(), 1e3 * times.second.median(),
               times.ratios.median(), times.ratios.fastest(), times.ratios.slowest());
  }
}
