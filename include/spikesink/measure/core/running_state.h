#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "spikesink/measure/core/state_scan.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The largest |x| that a channel reached, and where: the first place in the order of the text.
struct ChannelPeak {
  int64_t channel = 0;
  double magnitude = 0;
  int64_t sequence = 0;
  int64_t position = 0;
};

/// What is known of one state after all tokens seen.
struct StateSummary {
  std::vector<ChannelPeak> top;    // of different channels, largest first
  double median = 0;               // of |x| over all tokens and channels (lower middle element)
  std::vector<float> channel_max;  // [d], max |x| over all tokens
  int64_t not_finite = 0;          // NaN and infinite values, left out of the above
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
