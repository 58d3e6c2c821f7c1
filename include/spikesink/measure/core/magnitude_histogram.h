#pragma once

#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// Counts of magnitudes |x| from 2^-24 to 2^24, with 128 bins between two consecutive powers of
/// two. Smaller and larger values are counted in the first and last bin. Each bfloat16 value has
/// its own bin, so the median of bfloat16 data is exact. For other dtypes the median is
/// interpolated within a bin, which is at most 0.8 % wide.
class MagnitudeHistogram {
 public:
  static constexpr int64_t kBins = 48 * 128;
  /// Returns the bin of a magnitude. `bits`: a float32 whose sign bit is 0.
  static int32_t bin_of(uint32_t bits) {
    const auto bin = static_cast<int32_t>(bits >> 16) - kFirstBin;
    return bin < 0 ? 0 : bin >= kBins ? static_cast<int32_t>(kBins) - 1 : bin;
  }
  /// Returns the smallest magnitude of a bin (0 for the first bin).
  static float lower_edge(int64_t bin);

  MagnitudeHistogram() : counts_(kBins) {}

  /// Adds `counts` [kBins]. `bins_are_exact`: every counted value equals the lower edge of its bin
  /// (true for bfloat16).
  void add(const uint32_t* counts, bool bins_are_exact);
  void merge(const MagnitudeHistogram& other);

  int64_t total() const;
  /// Returns the median; of an even number of values the lower middle one, like torch.median. NaN
  /// if the histogram is empty.
  double median() const;
  auto fields() { return std::tie(counts_, bins_are_exact_); }
  /// Returns the lower and upper edge of the bin that contains the median.
  std::pair<double, double> median_bounds() const;

 private:
  struct BinRank {
    int64_t bin, rank_in_bin;
  };
  BinRank median_rank() const;

  static constexpr int32_t kFirstBin = (127 - 24) << 7;
  std::vector<int64_t> counts_;  // [kBins]
  bool bins_are_exact_ = true;
};

}  // namespace spikesink
