#include "measure/cross_entropy.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#include "measure/clones.h"

namespace spikesink::detail {
namespace {

// e^x for x <= 0 within 2 units in the last place; below -87 it gives about 1e-38. Branch-free, so
// that loops over it vectorise.
inline __attribute__((always_inline)) float exp_of_nonpositive(float x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  x = std::max(x, -87.0f);
  const float shifted = x * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // x - n ln 2, ln 2 in two parts
  float p = 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const auto exponent = static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23;
  return p * std::bit_cast<float>(exponent);
}

template <typename T>
inline __attribute__((always_inline)) float largest_of(const T* row, int64_t count) {
  std::array<float, kLanes> maxima;
  maxima.fill(static_cast<float>(row[0]));
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane)
      maxima[lane] = std::max(maxima[lane], static_cast<float>(row[i + lane]));
  }
  for (; i < count; ++i) maxima[0] = std::max(maxima[0], static_cast<float>(row[i]));
  return *std::max_element(maxima.begin(), maxima.end());
}

// Float sums over short runs, added up in double: 50,000 terms in one float sum would cost three
// digits.
template <typename T>
inline __attribute__((always_inline)) double sum_of_exp(const T* row, int64_t count,
                                                        float largest) {
  constexpr int64_t kRun = 64 * kLanes;
  double total = 0;
  int64_t begin = 0;
  for (; begin + kLanes <= count; begin += kRun) {
    std::array<float, kLanes> sums{};
    const int64_t end = std::min(begin + kRun, count - count % kLanes);
    for (int64_t i = begin; i < end; i += kLanes) {
      for (int64_t lane = 0; lane < kLanes; ++lane)
        sums[lane] += exp_of_nonpositive(static_cast<float>(row[i + lane]) - largest);
    }
    for (const float sum : sums) total += sum;
  }
  for (int64_t i = count - count % kLanes; i < count; ++i)
    total += exp_of_nonpositive(static_cast<float>(row[i]) - largest);
  return total;
}

template <typename T>
inline __attribute__((always_inline)) double log_sum_exp(const T* row, int64_t count) {
  const float largest = largest_of(row, count);
  return largest + std::log(sum_of_exp(row, count, largest));
}

SPIKESINK_CLONES double row_lse(const float* row, int64_t count) {
  return log_sum_exp(row, count);
}
SPIKESINK_CLONES double row_lse(const at::BFloat16* row, int64_t count) {
  return log_sum_exp(row, count);
}

template <typename T>
double sum_losses(const torch::Tensor& logits, const torch::Tensor& targets) {
  const int64_t rows = logits.size(0), count = logits.size(1);
  const T* data = logits.data_ptr<T>();
  const auto* target = targets.data_ptr<int64_t>();
  std::vector<double> losses(rows);
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      if (target[row] < 0) continue;
      losses[row] =
          row_lse(data + row * count, count) - static_cast<double>(data[row * count + target[row]]);
    }
  });
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

}  // namespace

double cross_entropy_sum(const torch::Tensor& logits, const torch::Tensor& targets) {
  const auto on_cpu = logits.to(torch::kCPU).contiguous();
  const auto wanted = targets.to(torch::kCPU).contiguous();
  if (on_cpu.scalar_type() == torch::kBFloat16) return sum_losses<at::BFloat16>(on_cpu, wanted);
  return sum_losses<float>(on_cpu.to(torch::kFloat), wanted);
}

}  // namespace spikesink::detail
