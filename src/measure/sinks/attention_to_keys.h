#pragma once

#include "spikesink/model/attention.h"

namespace spikesink::detail {

/// For every key the mean attention that it receives from the queries that may see it, as
/// `attention_received` has it for one. q [B, T, H, d], k [B, T, K, d], lse [B, H, T] -> [B, H, T]
/// float64. Scores are formed a few queries at a time: O(T^2 d) a head in time, O(T) in memory.
torch::Tensor attention_to_keys(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& lse, const AttentionParams& rule);

}  // namespace spikesink::detail
