#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "spikesink/measure/core/state_scan.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The largest |x| of a channel and the first (sequence, position) where it occurs.
struct ChannelPeak {
  int64_t channel = 0;
  double magnitude = 0;
  int64_t sequence = 0;
  int64_t position = 0;
};

/// Summary of one hidden state or block output over all tokens.
struct StateSummary {
  std::vector<ChannelPeak> top;  // the largest channels, at most one entry each, largest first
  /// Median of |x| over all tokens and channels (lower middle element).
  double median = 0;
  std::vector<float> channel_max;  // [d], max |x| over all tokens
  int64_t not_finite = 0;          // NaN and infinite values; the other fields ignore them
};

/// Accumulates a state over batches.
class RunningStateSummary {
 public:
  explicit RunningStateSummary(int64_t top) : top_count_(top) {}

  void add(const StateScan& scan, int64_t first_sequence);
  void merge(const RunningStateSummary& other);
  StateSummary summary() const;
  auto fields() { return std::tie(top_, channel_max_, magnitudes_, not_finite_); }

 private:
  void keep_top(std::vector<ChannelPeak> candidates);

  int64_t top_count_;
  std::vector<ChannelPeak> top_;
  std::vector<float> channel_max_;
  MagnitudeHistogram magnitudes_;
  int64_t not_finite_ = 0;
};

}  // namespace spikesink
