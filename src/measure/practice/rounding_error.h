#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// Returns ||x - s round(x / s)|| for each token of x [B, T, width] (float32 or float64): [B, T]
/// float64. `scales` s has the dtype of x and shape [B, T or 1, width or 1]. If s is 0, the rounded
/// value is 0. Ties are rounded to even.
torch::Tensor rounding_error(const torch::Tensor& x, const torch::Tensor& scales);

}  // namespace spikesink::detail
