#pragma once

#include <cstdint>

namespace [[gnu::visibility("default")]] spikesink {

/// Count, mean and variance of a series of values (Welford's algorithm).
struct RunningMean {
  int64_t count = 0;
  double mean = 0;
  double squared_deviations = 0;  // sum of (value - mean)^2

  void add(double value);
  void merge(const RunningMean& other);
  /// Returns the sample standard deviation (divisor n - 1). 0 for fewer than two values.
  double standard_deviation() const;
};

}  // namespace spikesink
