#pragma once

#include "spikesink/model/attention.h"

namespace spikesink::detail {

/// What one key receives from the queries that may see it. [B, H] float64 each.
struct Received {
  torch::Tensor mean;              // of A[i, key]
  torch::Tensor share_of_queries;  // how many of them give it more than epsilon, 0..1
};

/// Those queries are the ones of the whole sequence or, in a causal model, the ones from the key
/// on; a query whose window has left the key behind gives it none. The score of query i is its
/// rule's of q_i . k, its share exp(score - lse_i). q [B, T, H, d], k [B, T, K, d], lse [B, H, T].
/// O(T d) a head; no T x T matrix.
Received attention_received(const torch::Tensor& q, const torch::Tensor& k,
                            const torch::Tensor& lse, const AttentionParams& rule, int64_t key,
                            double epsilon);

/// What each query keeps for its own key: A[i, i] = exp(score - lse_i). ALiBi is zero there. Shapes
/// and cost as above -> [B, H, T] float64.
torch::Tensor attention_to_self(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& lse, const AttentionParams& rule);

}  // namespace spikesink::detail
