#pragma once

#include <limits>
#include <vector>

namespace spikesink::detail {

/// Returns the share of pairs (a in `high`, b in `low`) with a > b; ties count 1/2. NaN without
/// pairs.
inline double roc_area(const std::vector<double>& high, const std::vector<double>& low) {
  if (high.empty() || low.empty()) return std::numeric_limits<double>::quiet_NaN();
  double wins = 0;
  for (const double a : high) {
    for (const double b : low) wins += a > b ? 1.0 : a == b ? 0.5 : 0.0;
  }
  return wins / (static_cast<double>(high.size()) * static_cast<double>(low.size()));
}

}  // namespace spikesink::detail
