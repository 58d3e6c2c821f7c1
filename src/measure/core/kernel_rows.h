#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// Returns the dtype in which the kernels read x: float64, bfloat16 or float32.
inline torch::Dtype kernel_dtype(const torch::Tensor& x) {
  const auto dtype = x.scalar_type();
  return dtype == torch::kDouble || dtype == torch::kBFloat16 ? dtype : torch::kFloat;
}

/// Returns x in that dtype on the CPU, contiguous.
inline torch::Tensor kernel_rows(const torch::Tensor& x) {
  return x.detach().to(torch::kCPU, kernel_dtype(x)).contiguous();
}

}  // namespace spikesink::detail
