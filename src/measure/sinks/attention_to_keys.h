#pragma once

#include "spikesink/model/attention_params.h"

namespace spikesink::detail {

/// Computes the sum of A[i, k] over all queries i for every key k. q [B, T, H, d], k [B, T, K, d],
/// lse [B, H, T] -> [B, H, T] float64. Time and memory: see `column_sums`.
torch::Tensor attention_sums(const torch::Tensor& q, const torch::Tensor& k,
                             const torch::Tensor& lse, const AttentionParams& rule);

/// Computes the mean attention to every key from the queries that can attend to it, as
/// `attention_received` does for one key. Inputs and cost as above.
torch::Tensor attention_to_keys(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& lse, const AttentionParams& rule);

/// Computes these means from the sums, [..., T].
torch::Tensor mean_over_queries(const torch::Tensor& sums, const AttentionParams& rule);

/// Returns the number of keys to which at least `least_queries` queries can attend. They are the
/// first keys of a sequence.
int64_t keys_seen_by(int64_t least_queries, int64_t length, bool causal);

}  // namespace spikesink::detail
