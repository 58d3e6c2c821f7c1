#include "measure/practice/cross_entropy.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "measure/core/clones.h"
#include "measure/core/fast_exp.h"

namespace spikesink::detail {
namespace {

template <typename T>
inline __attribute__((always_inline)) float largest_of(const T* row, int64_t count) {
  std::array<float, kLanes> maxima;
  maxima.fill(-std::numeric_limits<float>::infinity());
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane)
      maxima[lane] = std::max(maxima[lane], static_cast<float>(row[i + lane]));
  }
  for (; i < count; ++i) maxima[0] = std::max(maxima[0], static_cast<float>(row[i]));
  return *std::max_element(maxima.begin(), maxima.end());
}

// Computes float sums over short ranges and adds them in double. One float sum over 50,000 terms
// would lose three digits.
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
        sums[lane] += fast_exp(static_cast<float>(row[i + lane]) - largest);
    }
    for (const float sum : sums) total += sum;
  }
  for (int64_t i = count - count % kLanes; i < count; ++i)
    total += fast_exp(static_cast<float>(row[i]) - largest);
  return total;
}

SPIKESINK_CLONES float largest(const float* row, int64_t count) {
  return largest_of(row, count);
}
SPIKESINK_CLONES float largest(const at::BFloat16* row, int64_t count) {
  return largest_of(row, count);
}
SPIKESINK_CLONES double exp_sum(const float* row, int64_t count, float largest) {
  return sum_of_exp(row, count, largest);
}
SPIKESINK_CLONES double exp_sum(const at::BFloat16* row, int64_t count, float largest) {
  return sum_of_exp(row, count, largest);
}

}  // namespace

CrossEntropy::CrossEntropy(const torch::Tensor& targets)
    : targets_(targets.to(torch::kCPU).contiguous()), rows_(targets.size(0)) {}

void CrossEntropy::add(const torch::Tensor& logits, int64_t first_column) {
  const auto on_cpu = logits.to(torch::kCPU).contiguous();
  if (on_cpu.scalar_type() == torch::kBFloat16) {
    add_rows<at::BFloat16>(on_cpu, first_column);
  } else {
    add_rows<float>(on_cpu.to(torch::kFloat), first_column);
  }
}

template <typename T>
void CrossEntropy::add_rows(const torch::Tensor& logits, int64_t first_column) {
  const int64_t columns = logits.size(1);
  const T* data = logits.data_ptr<T>();
  const auto* targets = targets_.data_ptr<int64_t>();
  at::parallel_for(0, logits.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) {
      if (targets[index] < 0) continue;
      const T* values = data + index * columns;
      auto& row = rows_[index];
      const int64_t column = targets[index] - first_column;
      if (column >= 0 && column < columns) row.target = static_cast<float>(values[column]);
      const float before = row.largest;
      row.largest = std::max(before, largest(values, columns));
      if (row.largest > before) row.sum *= std::exp(static_cast<double>(before) - row.largest);
      row.sum += exp_sum(values, columns, std::isfinite(row.largest) ? row.largest : 0);
    }
  });
}

std::vector<double> CrossEntropy::losses() const {
  const auto* targets = targets_.data_ptr<int64_t>();
  std::vector<double> losses(rows_.size());
  for (size_t index = 0; index < rows_.size(); ++index) {
    const auto& row = rows_[index];
    if (targets[index] >= 0) losses[index] = row.largest + std::log(row.sum) - row.target;
  }
  return losses;
}

}  // namespace spikesink::detail
