#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// How much some vectors x [d] are one and the same, and how few channels they fill. NaN where
/// there are too few vectors to say.
struct VectorSummary {
  int64_t count = 0;
  double cosine = 0;         // mean over all pairs of two vectors, -1..1
  double distance = 0;       // from their mean: sqrt(mean ||x - mean x||^2 / mean ||x||^2), 0..1
  double participation = 0;  // mean of (sum x^2)^2 / sum x^4: channels that carry the energy, 1..d
  double top_share = 0;      // mean share of a vector's energy in its few largest channels, 0..1
  double largest = 0;        // |x|
};

/// Sums over vectors that are neither zero nor hold a value that is not finite.
struct RunningVectorSummary {
  int64_t count = 0;
  std::vector<double> vectors;  // [d], of x; empty without vectors
  std::vector<double> units;    // [d], of x / ||x||
  double squares = 0;           // of ||x||^2
  double participation = 0;
  double top_share = 0;
  double largest = 0;  // the maximum

  void merge(const RunningVectorSummary& other);
  auto fields() {
    return std::tie(count, vectors, units, squares, participation, top_share, largest);
  }
  /// The mean cosine of all pairs comes from the sum of unit vectors u: (||sum u||^2 - n) / (n (n -
  /// 1)).
  VectorSummary summary() const;
};

}  // namespace spikesink
