#pragma once

#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// Counts of magnitudes |x| in bins 1/128 of an octave wide, from 2^-24 to 2^24; what lies below or
/// above falls in the first or last bin. bfloat16 values get a bin each, so their median is exact;
/// that of others is interpolated inside a bin at most 0.8 % wide.
class MagnitudeHistogram {
 public:
  static constexpr int64_t kBins = 48 * 128;
  /// The bin of a magnitude given as the bits of a float without sign.
  static int32_t bin_of(uint32_t bits) {
    const auto bin = static_cast<int32_t>(bits >> 16) - kFirstBin;
    return bin < 0 ? 0 : bin >= kBins ? static_cast<int32_t>(kBins) - 1 : bin;
  }
  /// The least magnitude of a bin (0 for the first one).
  static float lower_edge(int64_t bin);

  MagnitudeHistogram() : counts_(kBins) {}

  /// Adds counts [kBins]; `bins_are_exact` says that every value was exactly its bin's lower edge,
  /// as bfloat16 values are.
  void add(const uint32_t* counts, bool bins_are_exact);
  void merge(const MagnitudeHistogram& other);

  int64_t total() const;
  /// The lower middle element, as torch.median; NaN when empty.
  double median() const;
  auto fields() { return std::tie(counts_, bins_are_exact_); }
  /// The edges between which the lower middle element lies.
  std::pair<double, double> median_bounds() const;

 private:
  struct BinRank {
    int64_t bin, rank_in_bin;
  };
  BinRank middle() const;

  static constexpr int32_t kFirstBin = (127 - 24) << 7;
  std::vector<int64_t> counts_;  // [kBins]
  bool bins_are_exact_ = true;
};

}  // namespace spikesink
