#pragma once

#include <torch/types.h>

#include <vector>

#include "spikesink/measure/core/magnitude_histogram.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Statistics of a state [B, T, d], computed in one pass over it. NaN and infinite values are
/// counted in `not_finite` and ignored in the other statistics.
struct StateScan {
  torch::Tensor state;             // [B, T, d] on the CPU, float32 or bfloat16
  std::vector<float> channel_max;  // [d], max |x| over all tokens
  std::vector<float> token_max;    // [B * T], max |x| over channels
  std::vector<uint32_t> counts;    // [B, MagnitudeHistogram::kBins]
  int64_t not_finite = 0;

  /// Scans a state on the CPU, in parallel, and reads it once. Dtypes other than bfloat16 are
  /// converted to float32.
  void scan(const torch::Tensor& new_state);

  int64_t sequences() const { return state.size(0); }
  int64_t length() const { return state.size(1); }
  int64_t channels() const { return state.size(2); }
  /// True if each histogram bin contains exactly one value (bfloat16).
  bool bins_are_exact() const { return state.scalar_type() == torch::kBFloat16; }
  const uint32_t* bin_counts(int64_t sequence) const {
    return counts.data() + sequence * MagnitudeHistogram::kBins;
  }
  float value(int64_t sequence, int64_t position, int64_t channel) const;
};

}  // namespace spikesink
