#pragma once

#include <torch/torch.h>

namespace spikesink {

/// [B, T, d], with a few large values; the same at every call.
inline torch::Tensor random_state(int64_t sequences, int64_t length, int64_t channels) {
  torch::manual_seed(3);
  return torch::randn({sequences, length, channels}).pow(3);
}

/// The lower middle element of |x|.
inline double median_of(const torch::Tensor& values) {
  return values.abs().to(torch::kDouble).flatten().median().item<double>();
}

}  // namespace spikesink
