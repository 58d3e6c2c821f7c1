#include "spikesink/measure/core/running_vectors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace spikesink {
namespace {

double square_norm(const std::vector<double>& x) {
  return std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
}

void add_to(std::vector<double>& sum, const std::vector<double>& x) {
  sum.resize(std::max(sum.size(), x.size()));
  for (size_t c = 0; c < x.size(); ++c) sum[c] += x[c];
}

}  // namespace

void RunningVectorSummary::merge(const RunningVectorSummary& other) {
  count += other.count;
  add_to(vector_sum, other.vector_sum);
  add_to(unit_sum, other.unit_sum);
  squares += other.squares;
  participation += other.participation;
  top_share += other.top_share;
  largest = std::max(largest, other.largest);
}

VectorSummary RunningVectorSummary::summary() const {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  if (count == 0) return {0, kUnknown, kUnknown, kUnknown, kUnknown, kUnknown};
  const auto n = static_cast<double>(count);
  const double cosine = count > 1 ? (square_norm(unit_sum) - n) / (n * (n - 1)) : kUnknown;
  const double mean_energy =
      square_norm(vector_sum) / (n * squares);  // ||mean x||^2 / mean ||x||^2
  return {count,         cosine, std::sqrt(std::max(0.0, 1 - mean_energy)), participation / n,
          top_share / n, largest};
}

}  // namespace spikesink
