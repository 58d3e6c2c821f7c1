#pragma once

#include <torch/types.h>

#include "spikesink/model/model_config.h"

namespace spikesink {

/// The angles of rotary position embedding for positions 0..T-1, made once a forward and shared by
/// all layers.
struct RotaryTable {
  torch::Tensor cos;  // [T, 1, d_head]
  torch::Tensor sin;  // [T, 1, d_head]

  /// Turns `x` [B, T, H, d_head]: the halves of a head are the two coordinates (transformers'
  /// layout).
  torch::Tensor apply(const torch::Tensor& x) const;
};

/// The d_head / 2 angular frequencies, in radians a token, after scaling. `dtype` is float32 or
/// float64.
torch::Tensor rotary_frequencies(const ModelConfig& config, torch::Dtype dtype);

/// Angles are reckoned in float32, as transformers does, or in float64 for a float64 model.
RotaryTable rotary_table(const ModelConfig& config, int64_t length,
                         const torch::TensorOptions& options);

}  // namespace spikesink
