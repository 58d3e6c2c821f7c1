#pragma once

#include "model/fused_attention.h"
#include "spikesink/model/attention_params.h"

// Tensors are q [B, H, T, d_head], k [B, K, S, d_head] and v [B, K, S, d_value]; K divides H. Query
// i has position params.past_length + i among the keys.

namespace spikesink::detail {

/// A range of queries, and a range of keys that includes all keys visible to them.
struct Span {
  int64_t first_query, last_query;  // [first, last)
  int64_t first_key, last_key;      // [first, last)
};
/// Returns the span of all queries and keys.
Span whole_span(int64_t queries, int64_t keys);

/// Computes the scores of a span, [B, H, queries, keys] in float32 or float64; -inf where a query
/// does not see a key.
torch::Tensor scores(const torch::Tensor& q, const torch::Tensor& k, const AttentionParams& params,
                     const torch::Tensor& padding, const Span& span);
/// Computes the logarithm of the softmax denominator of `scores`, [B, H, queries]. It includes the
/// sink logits, and a renormalising attention cap makes it smaller.
torch::Tensor denominator(const torch::Tensor& scores, const AttentionParams& params,
                          const Span& span);
/// Computes the attention weights, [B, H, queries, keys]: exp(scores - lse) or the variant of
/// `params.form`, limited by the attention cap.
torch::Tensor pattern(const torch::Tensor& scores, const torch::Tensor& lse,
                      const AttentionParams& params, const Span& span);

/// pattern [B, H, queries, keys], v [B, K, keys, d_value] -> [B, H, queries, d_value].
torch::Tensor weighted_values(const torch::Tensor& pattern, const torch::Tensor& v);

/// Rescales an attention result to the denominator e^lse.
AttentionOutput with_denominator(const AttentionOutput& output, const torch::Tensor& lse);

/// Computes attention without a T x S matrix.
AttentionOutput softmax_attention(const torch::Tensor& q, const torch::Tensor& k,
                                  const torch::Tensor& v, const AttentionParams& params,
                                  const torch::Tensor& padding);

}  // namespace spikesink::detail
