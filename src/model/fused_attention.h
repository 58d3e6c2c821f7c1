#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// Values averaged by attention, and the logarithm of the softmax's denominator.
struct Attended {
  torch::Tensor z;    // [B, H, T, d_head], in the dtype of v
  torch::Tensor lse;  // [B, H, T], in float32 or better
};

// Tensors are q [B, H, T, d_head], k and v [B, K, S, d_head]; K divides H.

/// Whether PyTorch has a kernel for tensors like these that gives the log-sum-exp.
bool has_fused_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v);
/// Attention by that kernel. `causal` takes as many queries as keys. The log-sum-exp has no
/// gradient.
Attended fused_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                         bool causal, double scale);

}  // namespace spikesink::detail
