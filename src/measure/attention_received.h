#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// The mean attention that one key receives from the queries that can see it: sum over i >= key of
/// exp(q_i . k * scale - lse_i), over T - key. q [B, T, H, d], k [B, T, K, d], lse [B, H, T] -> [B,
/// H] float64. O(T d) a head; no T x T matrix.
torch::Tensor attention_received(const torch::Tensor& q, const torch::Tensor& k,
                                 const torch::Tensor& lse, double scale, int64_t key);

}  // namespace spikesink::detail
