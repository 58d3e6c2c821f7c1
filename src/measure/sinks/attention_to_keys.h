#pragma once

#include "spikesink/model/attention_params.h"

namespace spikesink::detail {

/// Computes the sum of A[i, k] over all queries i for every key k. q [B, T, H, d], k [B, T, K, d],
/// lse [B, H, T] -> [B, H, T] float64. Scores are computed for a few queries at a time: O(T^2 d)
/// time and O(T) memory per head.
torch::Tensor attention_sums(const torch::Tensor& q, const torch::Tensor& k,
                             const torch::Tensor& lse, const AttentionParams& rule);

/// Computes the mean attention to every key from the queries that can attend to it, as
/// `attention_received` does for one key. Inputs and cost as above.
torch::Tensor attention_to_keys(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& lse, const AttentionParams& rule);

}  // namespace spikesink::detail
