#pragma once

#include <torch/types.h>

#include "detail/dtype.h"

namespace spikesink::detail {

/// Returns the cosine between each row of x [..., d] and `direction` [d]: [...], float32 (float64
/// if x is float64). NaN if one of the two is zero.
inline torch::Tensor cosines_with(const torch::Tensor& x, const torch::Tensor& direction) {
  const auto rows = x.to(at_least_float(x.scalar_type()));
  const auto unit = (direction / direction.norm()).to(rows.options());
  return (at::matmul(rows, unit) / at::linalg_vector_norm(rows, 2, {-1})).contiguous();
}

}  // namespace spikesink::detail
