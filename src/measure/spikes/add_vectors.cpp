#include "measure/spikes/add_vectors.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "measure/core/clones.h"
#include "measure/core/kernel_rows.h"

namespace spikesink::detail {
namespace {

struct Powers {
  double squares = 0, fourths = 0, largest = 0;  // sum x^2, sum x^4, max |x|
};

template <typename T>
inline __attribute__((always_inline)) Powers power_lanes(const T* x, int64_t count) {
  std::array<double, kLanes> squares{}, fourths{}, largest{};
  const auto add = [&](int64_t lane, int64_t i) {
    const auto square = static_cast<double>(x[i]) * static_cast<double>(x[i]);
    squares[lane] += square;
    fourths[lane] += square * square;
    largest[lane] = square > largest[lane] ? square : largest[lane];
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) add(lane, i + lane);
  }
  for (; i < count; ++i) add(0, i);
  Powers total;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    total.squares += squares[lane];
    total.fourths += fourths[lane];
    total.largest = std::max(total.largest, largest[lane]);
  }
  total.largest = std::sqrt(total.largest);
  return total;
}

SPIKESINK_CLONES Powers powers(const float* x, int64_t count) {
  return power_lanes(x, count);
}
SPIKESINK_CLONES Powers powers(const double* x, int64_t count) {
  return power_lanes(x, count);
}
SPIKESINK_CLONES Powers powers(const at::BFloat16* x, int64_t count) {
  return power_lanes(x, count);
}

template <typename T>
inline __attribute__((always_inline)) void add_scaled(const T* x, int64_t count, double factor,
                                                      double* sum, double* scaled_sum) {
  for (int64_t c = 0; c < count; ++c) {
    sum[c] += static_cast<double>(x[c]);
    scaled_sum[c] += factor * static_cast<double>(x[c]);
  }
}

SPIKESINK_CLONES void add_to_sums(const float* x, int64_t count, double factor, double* sum,
                                  double* scaled_sum) {
  add_scaled(x, count, factor, sum, scaled_sum);
}
SPIKESINK_CLONES void add_to_sums(const double* x, int64_t count, double factor, double* sum,
                                  double* scaled_sum) {
  add_scaled(x, count, factor, sum, scaled_sum);
}
SPIKESINK_CLONES void add_to_sums(const at::BFloat16* x, int64_t count, double factor, double* sum,
                                  double* scaled_sum) {
  add_scaled(x, count, factor, sum, scaled_sum);
}

// Returns the sum of the `top` largest squares.
template <typename T>
double top_squares(const T* x, int64_t count, int64_t top) {
  std::vector<double> largest(std::min(top, count));  // ascending
  for (int64_t c = 0; c < count; ++c) {
    const double square = static_cast<double>(x[c]) * static_cast<double>(x[c]);
    if (square <= largest.front()) continue;
    size_t rank = 0;
    for (; rank + 1 < largest.size() && largest[rank + 1] < square; ++rank)
      largest[rank] = largest[rank + 1];
    largest[rank] = square;
  }
  double sum = 0;
  for (const double square : largest) sum += square;
  return sum;
}

template <typename T>
void add_row(const T* x, int64_t count, int64_t top, RunningVectorSummary& group) {
  const auto p = powers(x, count);
  if (!(p.fourths > 0) || !std::isfinite(p.fourths)) return;
  if (group.vector_sum.empty()) {
    group.vector_sum.resize(count);
    group.unit_sum.resize(count);
  }
  ++group.count;
  add_to_sums(x, count, 1 / std::sqrt(p.squares), group.vector_sum.data(), group.unit_sum.data());
  group.squares += p.squares;
  group.participation += p.squares * p.squares / p.fourths;
  group.top_share += top_squares(x, count, top) / p.squares;
  group.largest = std::max(group.largest, p.largest);
}

}  // namespace

void add_vectors(const torch::Tensor& x, const torch::Tensor& mask, int64_t top,
                 std::array<RunningVectorSummary, 2>& groups) {
  constexpr int64_t kRows = 256;  // rows per chunk; chunks are merged in order
  const auto rows = kernel_rows(x);
  const int64_t width = rows.size(-1), count = rows.numel() / width;
  std::vector<std::array<RunningVectorSummary, 2>> chunks((count + kRows - 1) / kRows);
  AT_DISPATCH_FLOATING_TYPES_AND(torch::kBFloat16, rows.scalar_type(), "add_vectors", [&] {
    const auto* data = rows.data_ptr<scalar_t>();
    const auto* group_of = mask.data_ptr<bool>();
    at::parallel_for(0, static_cast<int64_t>(chunks.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin * kRows; row < std::min(count, end * kRows); ++row)
        add_row(data + row * width, width, top, chunks[row / kRows][group_of[row] ? 1 : 0]);
    });
  });
  for (const auto& chunk : chunks) {
    for (size_t group = 0; group < groups.size(); ++group) groups[group].merge(chunk[group]);
  }
}

}  // namespace spikesink::detail
