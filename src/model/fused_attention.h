#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// The attention-weighted values and the logarithm of the softmax denominator.
struct AttentionOutput {
  torch::Tensor z;    // [B, H, T, d_head], in the dtype of v
  torch::Tensor lse;  // [B, H, T], in float32 or float64
};

// Tensors are q [B, H, T, d_head], k and v [B, K, S, d_head]; K divides H.

/// True if PyTorch has a kernel for these tensors that returns the log-sum-exp.
bool has_fused_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v);
/// Computes attention with that kernel. `causal` needs as many queries as keys. The log-sum-exp has
/// no gradient.
AttentionOutput fused_attention(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& v, bool causal, double scale);

}  // namespace spikesink::detail
