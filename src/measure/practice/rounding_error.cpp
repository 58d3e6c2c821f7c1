#include "measure/practice/rounding_error.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <array>
#include <cmath>

#include "measure/core/clones.h"

namespace spikesink::detail {
namespace {

// Returns sum (x - s round(x / s))^2 over one token. kShared: all values share one scale s;
// otherwise each value has its own scale.
template <bool kShared, typename T>
inline __attribute__((always_inline)) double sum_of_squares(const T* x, const T* scale,
                                                            const T* inverse, int64_t count) {
  std::array<T, kLanes> sums{};
  const auto add = [&](int64_t lane, int64_t i) {
    const int64_t scale_index = kShared ? 0 : i;
    const T error = x[i] - scale[scale_index] * std::nearbyint(x[i] * inverse[scale_index]);
    sums[lane] += error * error;
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) add(lane, i + lane);
  }
  for (; i < count; ++i) add(0, i);
  double total = 0;
  for (const T sum : sums) total += sum;
  return total;
}

SPIKESINK_CLONES double one_scale(const float* x, const float* s, const float* inverse, int64_t n) {
  return sum_of_squares<true>(x, s, inverse, n);
}
SPIKESINK_CLONES double one_scale(const double* x, const double* s, const double* inverse,
                                  int64_t n) {
  return sum_of_squares<true>(x, s, inverse, n);
}
SPIKESINK_CLONES double scale_per_value(const float* x, const float* s, const float* inverse,
                                        int64_t n) {
  return sum_of_squares<false>(x, s, inverse, n);
}
SPIKESINK_CLONES double scale_per_value(const double* x, const double* s, const double* inverse,
                                        int64_t n) {
  return sum_of_squares<false>(x, s, inverse, n);
}

}  // namespace

torch::Tensor rounding_error(const torch::Tensor& x, const torch::Tensor& scales) {
  const auto values = x.contiguous(), s = scales.contiguous();
  const auto inverse = at::where(s > 0, s.reciprocal(), at::zeros_like(s));
  auto error = at::empty({x.size(0), x.size(1)}, x.options().dtype(torch::kDouble));
  const int64_t length = x.size(1), width = x.size(2);
  const bool is_shared = s.size(2) == 1, is_of_token = s.size(1) == length;
  AT_DISPATCH_FLOATING_TYPES(values.scalar_type(), "rounding_error", [&] {
    const auto *xs = values.data_ptr<scalar_t>(), *ss = s.data_ptr<scalar_t>(),
               *is = inverse.data_ptr<scalar_t>();
    auto* out = error.data_ptr<double>();
    at::parallel_for(0, error.numel(), 64, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t at = (is_of_token ? row : row / length) * s.size(2);
        const auto* token = xs + row * width;
        out[row] = std::sqrt(is_shared ? one_scale(token, ss + at, is + at, width)
                                       : scale_per_value(token, ss + at, is + at, width));
      }
    });
  });
  return error;
}

}  // namespace spikesink::detail
