#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <vector>

namespace spikesink::detail {

/// The finite ones of some values, in increasing order. Of no values, everything is NaN.
class SortedValues {
 public:
  template <typename Range>
  explicit SortedValues(const Range& values) : values_(std::begin(values), std::end(values)) {
    std::erase_if(values_, [](double value) { return !std::isfinite(value); });
    std::sort(values_.begin(), values_.end());
  }

  int64_t size() const { return static_cast<int64_t>(values_.size()); }
  /// Returns the element (n - 1) * percent / 100, rounded down: 0 is the smallest value, 50 the
  /// lower median, 100 the largest value.
  double at_percent(int64_t percent) const {
    if (values_.empty()) return std::numeric_limits<double>::quiet_NaN();
    return values_[static_cast<size_t>((size() - 1) * percent / 100)];
  }
  /// Returns how many percent of the values are smaller than this one, by more than rounding. NaN
  /// for NaN.
  double percent_below(double value) const {
    if (values_.empty() || std::isnan(value)) return std::numeric_limits<double>::quiet_NaN();
    const double equal = value * (value > 0 ? 1 - kRounding : 1 + kRounding);
    const auto first = std::lower_bound(values_.begin(), values_.end(), equal);
    return 100.0 * static_cast<double>(first - values_.begin()) / static_cast<double>(size());
  }

 private:
  static constexpr double kRounding = 1e-6;

  std::vector<double> values_;
};

}  // namespace spikesink::detail
