#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// What the kernels read x as: float64, bfloat16 or float32.
inline torch::Dtype kernel_dtype(const torch::Tensor& x) {
  const auto dtype = x.scalar_type();
  return dtype == torch::kDouble || dtype == torch::kBFloat16 ? dtype : torch::kFloat;
}

/// x in that dtype on the CPU, without gaps.
inline torch::Tensor kernel_rows(const torch::Tensor& x) {
  return x.detach().to(torch::kCPU, kernel_dtype(x)).contiguous();
}

}  // namespace spikesink::detail
