#pragma once

#include "model/fused_attention.h"
#include "spikesink/model/attention.h"

// Tensors are q [B, H, T, d_head], k and v [B, K, S, d_head]; K divides H. Query i stands at
// position rule.past_length + i among the keys.

namespace spikesink::detail {

/// Some queries and the keys that may be seen by any of them.
struct Span {
  int64_t first_query, last_query;  // [first, last)
  int64_t first_key, last_key;
};
Span whole(int64_t queries, int64_t keys);

/// Scores of a span, -inf where a query does not see a key. [B, H, queries, keys] in float32 or
/// better.
torch::Tensor scores(const torch::Tensor& q, const torch::Tensor& k, const AttentionParams& rule,
                     const torch::Tensor& padding, const Span& span);
/// The logarithm of what their exponentials are divided by: the rule's sink logits are in it, and
/// where a limit gives the other keys more, that. [B, H, queries].
torch::Tensor denominator(const torch::Tensor& scores, const AttentionParams& rule,
                          const Span& span);
/// What values are multiplied with: exp(scores - lse), as the rule's form has it, under its limit.
torch::Tensor pattern(const torch::Tensor& scores, const torch::Tensor& lse,
                      const AttentionParams& rule, const Span& span);

/// pattern [B, H, queries, keys], v as above but [.., keys, ..] -> [B, H, queries, d_head].
torch::Tensor weighted_values(const torch::Tensor& pattern, const torch::Tensor& v);

/// The same attention over another denominator.
Attended under_denominator(const Attended& attended, const torch::Tensor& lse);

/// Attention without a T x S matrix.
Attended softmax_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                           const AttentionParams& rule, const torch::Tensor& padding);

}  // namespace spikesink::detail
