#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// Computes x W^T + b like at::linear, also under autocast. On a processor without bfloat16
/// multiplication, bfloat16 inputs are multiplied in float32 and the result is rounded once, like
/// the bfloat16 instructions do. PyTorch's own loops are several times slower there.
torch::Tensor linear_product(const torch::Tensor& x, const torch::Tensor& weight,
                             const torch::Tensor& bias);

}  // namespace spikesink::detail
