#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// Returns the dtype to compute in: float64 for float64, otherwise float32.
inline torch::Dtype at_least_float(torch::Dtype dtype) {
  return dtype == torch::kDouble ? torch::kDouble : torch::kFloat;
}

}  // namespace spikesink::detail
