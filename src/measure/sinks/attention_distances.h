#pragma once

#include <cstdint>
#include <vector>

#include "spikesink/model/attention_params.h"

namespace spikesink::detail {

/// Computes for every key k the sums over all queries i of A[i, k], of A[i, k] |i - k|, and, for
/// each of the windows w, of A[i, k] where |i - k| < w. q [B, T, H, d], k [B, T, K, d], lse [B, H,
/// T] -> [B, H, 2 + windows, T] float64. Time and memory: see `column_sums`.
torch::Tensor attention_by_distance(const torch::Tensor& q, const torch::Tensor& k,
                                    const torch::Tensor& lse, const AttentionParams& rule,
                                    const std::vector<int64_t>& windows);

/// Computes the same sums for a head that spreads the attention of a query evenly over the keys
/// that it can attend to, [2 + windows, T].
torch::Tensor even_attention_by_distance(int64_t length, const AttentionParams& rule,
                                         const std::vector<int64_t>& windows);

}  // namespace spikesink::detail
