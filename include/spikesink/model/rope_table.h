#pragma once

#include <torch/types.h>

#include "spikesink/model/rope_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Cosines and sines of RoPE for positions 0..T-1. Computed once per forward pass; layers with the
/// same RopeConfig share it.
struct RopeTable {
  torch::Tensor cos;  // [T, 1, dimensions]
  torch::Tensor sin;  // [T, 1, dimensions]

  /// Rotates the first `dimensions` dimensions of `x` [B, n, H, d_head]; the first token has
  /// position `first`. Dimension i forms a pair with dimension i + dimensions / 2 (transformers'
  /// layout).
  torch::Tensor apply(const torch::Tensor& x, int64_t first = 0) const;
};

/// Computes the dimensions / 2 angular frequencies, in radians per token, scaled for sequences of
/// `length` tokens. `dtype` is float32 or float64.
torch::Tensor rope_frequencies(const RopeConfig& config, int64_t d_head, int64_t length,
                               torch::Dtype dtype);

/// Computes the table for `length` positions. Angles are computed in float32, like in transformers,
/// or in float64 for a float64 model.
RopeTable make_rope_table(const RopeConfig& config, int64_t d_head, int64_t length,
                          const torch::TensorOptions& options);

}  // namespace spikesink
