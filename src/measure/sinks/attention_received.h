#pragma once

#include "spikesink/model/attention_params.h"

namespace spikesink::detail {

/// Attention to one key from the queries that can attend to it, [B, H] float64 each.
struct Received {
  torch::Tensor mean;              // mean of A[i, key]
  torch::Tensor share_of_queries;  // share of these queries with A[i, key] > epsilon, 0..1
};

/// Computes the attention to `key` from all queries of the sequence or, in a causal model, from the
/// queries i >= key. A query whose window does not contain the key counts as 0. A[i, key] =
/// exp(score - lse_i), where `rule` computes the score from q_i . k. q [B, T, H, d], k [B, T, K,
/// d], lse [B, H, T]. Time: O(T d) per head. No T x T matrix is computed.
Received attention_received(const torch::Tensor& q, const torch::Tensor& k,
                            const torch::Tensor& lse, const AttentionParams& rule, int64_t key,
                            double epsilon);

/// Computes the attention of each query to its own key: A[i, i] = exp(score - lse_i), [B, H, T]
/// float64. The ALiBi bias is zero there. Inputs and cost as above.
torch::Tensor attention_to_self(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& lse, const AttentionParams& rule);

}  // namespace spikesink::detail
