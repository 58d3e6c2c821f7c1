#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// float64 stays; anything narrower is reckoned with in float32.
inline torch::Dtype at_least_float(torch::Dtype dtype) {
  return dtype == torch::kDouble ? torch::kDouble : torch::kFloat;
}

}  // namespace spikesink::detail
