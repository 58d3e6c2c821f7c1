#include "measure/spikes/activation_linearity.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <array>
#include <cmath>
#include <limits>

#include "measure/core/clones.h"
#include "measure/core/kernel_rows.h"

namespace spikesink::detail {
namespace {

struct Products {
  double input = 0, output = 0, both = 0;  // x . x, y . y, x . y
};

template <typename Sum, typename T>
inline __attribute__((always_inline)) Products product_lanes(const T* x, const T* y,
                                                             int64_t count) {
  std::array<Sum, kLanes> xx{}, yy{}, xy{};
  const auto add = [&](int64_t lane, int64_t i) {
    const auto a = static_cast<Sum>(x[i]), b = static_cast<Sum>(y[i]);
    xx[lane] += a * a;
    yy[lane] += b * b;
    xy[lane] += a * b;
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) add(lane, i + lane);
  }
  for (; i < count; ++i) add(0, i);
  Products total;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    total.input += xx[lane];
    total.output += yy[lane];
    total.both += xy[lane];
  }
  return total;
}

SPIKESINK_CLONES Products products(const float* x, const float* y, int64_t count) {
  return product_lanes<float>(x, y, count);
}
SPIKESINK_CLONES Products products(const double* x, const double* y, int64_t count) {
  return product_lanes<double>(x, y, count);
}
SPIKESINK_CLONES Products products(const at::BFloat16* x, const at::BFloat16* y, int64_t count) {
  return product_lanes<float>(x, y, count);
}

Linearity linearity(const Products& p) {
  const double norms = std::sqrt(p.input) * std::sqrt(p.output);
  const bool is_defined = norms > 0 && std::isfinite(norms);
  return {is_defined ? p.both / norms : std::numeric_limits<double>::quiet_NaN(),
          std::sqrt(p.output / p.input)};
}

}  // namespace

std::vector<Linearity> activation_linearity(const torch::Tensor& input,
                                            const torch::Tensor& output) {
  const auto x = kernel_rows(input), y = kernel_rows(output);
  const int64_t width = x.size(-1), rows = x.numel() / width;
  std::vector<Linearity> result(rows);
  AT_DISPATCH_FLOATING_TYPES_AND(torch::kBFloat16, x.scalar_type(), "activation_linearity", [&] {
    const auto* xs = x.data_ptr<scalar_t>();
    const auto* ys = y.data_ptr<scalar_t>();
    at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        result[row] = linearity(products(xs + row * width, ys + row * width, width));
    });
  });
  return result;
}

}  // namespace spikesink::detail
