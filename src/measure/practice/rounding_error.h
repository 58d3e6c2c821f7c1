#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// Of each token of x [B, T, width], float32 or float64: ||x - s round(x / s)||, in float64, [B,
/// T]. `scales` holds s, of x's dtype: [B, T or 1, width or 1]; an s of 0 rounds to 0. Halves are
/// rounded to even.
torch::Tensor rounding_error(const torch::Tensor& x, const torch::Tensor& scales);

}  // namespace spikesink::detail
