#include "spikesink/measure/core/running_mean.h"

#include <cmath>

namespace spikesink {

void RunningMean::add(double value) {
  ++count;
  const double delta = value - mean;
  mean += delta / static_cast<double>(count);
  squared_deviations += delta * (value - mean);
}

void RunningMean::merge(const RunningMean& other) {
  if (other.count == 0) return;
  const double total = static_cast<double>(count + other.count);
  const double delta = other.mean - mean;
  squared_deviations += other.squared_deviations + delta * delta * static_cast<double>(count) *
                                                       static_cast<double>(other.count) / total;
  mean += delta * static_cast<double>(other.count) / total;
  count += other.count;
}

double RunningMean::standard_deviation() const {
  return count > 1 ? std::sqrt(squared_deviations / static_cast<double>(count - 1)) : 0.0;
}

}  // namespace spikesink
