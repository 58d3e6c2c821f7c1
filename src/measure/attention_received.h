#pragma once

#include "spikesink/model/attention.h"

namespace spikesink::detail {

/// The mean attention that one key receives from the queries that may see it, those of the whole
/// sequence or, in a causal model, those from the key on; a query whose window has left the key
/// behind gives it none. The score of query i is its rule's of q_i . k, its share exp(score -
/// lse_i). q [B, T, H, d], k [B, T, K, d], lse [B, H, T] -> [B, H] float64. O(T d) a head; no T x T
/// matrix.
torch::Tensor attention_received(const torch::Tensor& q, const torch::Tensor& k,
                                 const torch::Tensor& lse, const ScoreRule& rule, int64_t key);

/// What each query keeps for its own key: A[i, i] = exp(score - lse_i). ALiBi is zero there. Shapes
/// and cost as above -> [B, H, T] float64.
torch::Tensor attention_to_self(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& lse, const ScoreRule& rule);

}  // namespace spikesink::detail
