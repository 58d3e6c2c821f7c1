#pragma once

#include <torch/types.h>

#include "spikesink/model/rope_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The angles of rotary position embedding for positions 0..T-1, made once a forward and shared by
/// the layers of one RopeConfig.
struct RopeTable {
  torch::Tensor cos;  // [T, 1, dimensions]
  torch::Tensor sin;  // [T, 1, dimensions]

  /// Turns the first `dimensions` coordinates of `x` [B, n, H, d_head], whose first token stands at
  /// position `first`: their halves are the two coordinates of each pair (transformers' layout).
  torch::Tensor apply(const torch::Tensor& x, int64_t first = 0) const;
};

/// The dimensions / 2 angular frequencies, in radians a token, after the scaling for sequences of
/// `length` tokens. `dtype` is float32 or float64.
torch::Tensor rope_frequencies(const RopeConfig& config, int64_t d_head, int64_t length,
                               torch::Dtype dtype);

/// Angles are reckoned in float32, as transformers does, or in float64 for a float64 model.
RopeTable make_rope_table(const RopeConfig& config, int64_t d_head, int64_t length,
                          const torch::TensorOptions& options);

}  // namespace spikesink
