#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// x W^T + b, as at::linear and under autocast too. bfloat16 on a processor that has no products of
/// it is multiplied as float32 and rounded once, which is what those instructions do; PyTorch's own
/// loops are several times slower there.
torch::Tensor linear_product(const torch::Tensor& x, const torch::Tensor& weight,
                             const torch::Tensor& bias);

}  // namespace spikesink::detail
