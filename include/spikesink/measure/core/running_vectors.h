#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// How similar the vectors x [d] of a set are to each other, and how sparse they are. NaN if there
/// are too few vectors.
struct VectorSummary {
  int64_t count = 0;
  double cosine = 0;  // mean over all pairs of vectors, -1..1
  /// Relative distance from the mean vector: sqrt(mean ||x - mean x||^2 / mean ||x||^2), 0..1.
  double distance = 0;
  /// Participation ratio, mean of (sum x^2)^2 / sum x^4: the effective number of channels, 1..d.
  double participation = 0;
  /// Mean share of sum x^2 that is in the k largest channels of a vector, 0..1; k:
  /// SparseConstantsOptions::top.
  double top_share = 0;
  double largest = 0;  // |x|
};

/// Sums over vectors. Zero vectors and vectors with NaN or infinite values are skipped.
struct RunningVectorSummary {
  int64_t count = 0;
  std::vector<double> vector_sum;  // [d], sum of x; empty without vectors
  std::vector<double> unit_sum;    // [d], sum of x / ||x||
  double squares = 0;              // sum of ||x||^2
  double participation = 0;
  double top_share = 0;
  double largest = 0;  // the maximum

  void merge(const RunningVectorSummary& other);
  auto fields() {
    return std::tie(count, vector_sum, unit_sum, squares, participation, top_share, largest);
  }
  /// The mean cosine over all pairs is computed from the sum of the unit vectors u: (||sum u||^2 -
  /// n) / (n (n - 1)).
  VectorSummary summary() const;
};

}  // namespace spikesink
