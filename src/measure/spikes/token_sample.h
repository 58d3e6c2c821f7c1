#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "measure/spikes/position_hash.h"

// A fixed sample of tokens: those with the smallest hashes. It does not depend on the batches, and
// two samples merge. It is a vector of points that have a `token`, sorted by hash.

namespace spikesink::detail {

inline bool has_smaller_hash(const TokenPosition& a, const TokenPosition& b) {
  return std::pair(hash_of(a), a) < std::pair(hash_of(b), b);
}

/// Returns whether a sample of at most `max_points` takes this token.
template <typename Point>
bool takes(const std::vector<Point>& sample, const TokenPosition& token, int64_t max_points) {
  if (static_cast<int64_t>(sample.size()) < max_points) return true;
  return !sample.empty() && has_smaller_hash(token, sample.back().token);
}

/// Adds a point if the sample takes its token. A full sample then loses its last point.
template <typename Point>
void add_to_sample(std::vector<Point>& sample, Point point, int64_t max_points) {
  if (!takes(sample, point.token, max_points)) return;
  if (static_cast<int64_t>(sample.size()) >= max_points) sample.pop_back();
  const auto at = std::upper_bound(sample.begin(), sample.end(), point.token,
                                   [](const TokenPosition& token, const Point& other) {
                                     return has_smaller_hash(token, other.token);
                                   });
  sample.insert(at, std::move(point));
}

/// Adds all points of another sample of at most `max_points`.
template <typename Point>
void merge_samples(std::vector<Point>& ours, const std::vector<Point>& theirs, int64_t max_points) {
  for (const auto& point : theirs) add_to_sample(ours, point, max_points);
}

template <typename Point>
void sort_by_position(std::vector<Point>& points) {
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.token < b.token; });
}

}  // namespace spikesink::detail
