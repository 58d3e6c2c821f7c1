#include "spikesink/measure/core/magnitude_histogram.h"

#include <bit>
#include <limits>
#include <numeric>

namespace spikesink {

float MagnitudeHistogram::lower_edge(int64_t bin) {
  return bin == 0 ? 0.0f : std::bit_cast<float>(static_cast<uint32_t>(bin + kFirstBin) << 16);
}

void MagnitudeHistogram::add(const uint32_t* counts, bool bins_are_exact) {
  bins_are_exact_ = bins_are_exact_ && bins_are_exact;
  for (int64_t bin = 0; bin < kBins; ++bin) counts_[bin] += counts[bin];
}

void MagnitudeHistogram::merge(const MagnitudeHistogram& other) {
  bins_are_exact_ = bins_are_exact_ && other.bins_are_exact_;
  for (int64_t bin = 0; bin < kBins; ++bin) counts_[bin] += other.counts_[bin];
}

int64_t MagnitudeHistogram::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), int64_t{0});
}

MagnitudeHistogram::BinRank MagnitudeHistogram::median_rank() const {
  int64_t rank = (total() - 1) / 2;
  int64_t bin = 0;
  while (counts_[bin] <= rank) rank -= counts_[bin++];
  return {bin, rank};
}

double MagnitudeHistogram::median() const {
  if (total() == 0) return std::numeric_limits<double>::quiet_NaN();
  const auto [bin, rank] = median_rank();
  const double low = lower_edge(bin);
  if (bins_are_exact_) return low;
  return low + (lower_edge(bin + 1) - low) * static_cast<double>(rank) /
                   static_cast<double>(counts_[bin]);
}

std::pair<double, double> MagnitudeHistogram::median_bounds() const {
  if (total() == 0) return {0.0, 0.0};
  const auto bin = median_rank().bin;
  return {lower_edge(bin), bins_are_exact_ ? lower_edge(bin) : lower_edge(bin + 1)};
}

}  // namespace spikesink
