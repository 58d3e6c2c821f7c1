#include "model/softmax_attention.h"

#include <algorithm>
#include <limits>

#include "detail/dtype.h"

namespace spikesink::detail {
namespace {

// Queries per block: enough for an efficient matrix product, few enough for the processor cache.
constexpr int64_t kQueryBlock = 64;

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

constexpr double kSoftpickEpsilon = 1e-6;  // added to the sum, like in the reference code
constexpr double kLeastScore = 1e-6;       // lower positive scores are clamped to it before the log

// Multiplies each key/value head with all query heads of its group in one matrix product.
// a [B, H, rows, n], b [B, K, n, columns] -> [B, H, rows, columns].
torch::Tensor grouped_matmul(const torch::Tensor& a, const torch::Tensor& b) {
  const int64_t heads = a.size(1), groups = b.size(1);
  const auto rows_of_group = a.reshape({a.size(0), groups, heads / groups * a.size(2), a.size(3)});
  return at::matmul(rows_of_group, b).view({a.size(0), heads, a.size(2), b.size(3)});
}

// Positions of the span's queries, [queries, 1], and keys, [keys].
std::pair<torch::Tensor, torch::Tensor> query_and_key_positions(const AttentionParams& params,
                                                                const Span& span,
                                                                torch::Device device) {
  const auto options = torch::TensorOptions(torch::kLong).device(device);
  return {at::arange(params.past_length + span.first_query, params.past_length + span.last_query,
                     options)
              .unsqueeze(1),
          at::arange(span.first_key, span.last_key, options)};
}

// [queries, keys], true where the query does not see the key.
torch::Tensor masked_pairs(const AttentionParams& params, const Span& span, torch::Device device) {
  const auto [query, key] = query_and_key_positions(params, span, device);
  const auto future = key > query;
  return params.window > 0 ? future.logical_or(key <= query - params.window) : future;
}

bool has_cap(const AttentionParams& params) {
  return !params.attention_cap.keys.empty();
}

// [queries, keys], true where the cap limits the attention weight.
torch::Tensor capped_pairs(const AttentionParams& params, const Span& span, torch::Device device) {
  const auto [query, key] = query_and_key_positions(params, span, device);
  const auto sinks = torch::tensor(params.attention_cap.keys, query.options());
  return at::isin(key, sinks).logical_and(key != query);
}

torch::Tensor add_sink_logits(const torch::Tensor& lse, const AttentionParams& params) {
  if (params.form == AttentionForm::kSoftmaxPlusOne)
    return at::logaddexp(lse, at::zeros({1}, lse.options()));
  if (!params.sink_logits.defined()) return lse;
  return at::logaddexp(lse, params.sink_logits.to(lse.scalar_type()).unsqueeze(1));
}

// The logarithm of the unnormalised weight of each score: log sigmoid(s), log max(e^s - 1, 0) for
// softpick, else s. With e^s - 1 = e^s (1 - e^-s), log(e^s - 1) = s + log(-expm1(-s)) does not
// overflow.
torch::Tensor log_weights(const torch::Tensor& scores, AttentionForm form) {
  if (form == AttentionForm::kSigmoid) return at::log_sigmoid(scores);
  if (form != AttentionForm::kSoftpick) return scores;
  const auto positive = scores.clamp_min(kLeastScore);
  const auto weights = positive + at::log(-at::expm1(-positive));
  return at::where(scores > 0, weights, kMinusInfinity);
}

// log sum |e^s - 1| over the visible keys, computed as m + log sum |e^(s - m) - e^-m| with the
// largest score m, so that no exponential overflows.
torch::Tensor log_softpick_sum(const torch::Tensor& scores) {
  const auto largest = scores.amax(-1, /*keepdim=*/true).clamp_min(0).detach();
  const auto terms = (at::exp(scores - largest) - at::exp(-largest)).abs();
  const auto sum = terms.masked_fill(scores == kMinusInfinity, 0).sum(-1) + kSoftpickEpsilon;
  return at::log(sum) + largest.squeeze(-1);
}

bool sees_everything(const AttentionParams& params, int64_t keys) {
  return params.window == 0 || params.window >= keys;
}

// The log-sum-exp of the fused kernel has no gradient.
bool needs_lse_gradient(const AttentionParams& params) {
  return at::GradMode::is_enabled() &&
         (params.needs_denominator || params.form == AttentionForm::kSoftmaxPlusOne);
}

bool fused_kernel_supports(const AttentionParams& params, const torch::Tensor& padding,
                           int64_t keys) {
  return params.softcap == 0 && !params.alibi.defined() && !padding.defined() && !has_cap(params) &&
         sees_everything(params, keys) && !needs_lse_gradient(params) &&
         (params.form == AttentionForm::kSoftmax || params.form == AttentionForm::kSoftmaxPlusOne);
}

// Merges the attention to two disjoint sets of keys: D = D_a + D_b, z = (z_a D_a + z_b D_b) / D.
AttentionOutput merge(const AttentionOutput& a, const AttentionOutput& b) {
  const auto lse = at::logaddexp(a.lse, b.lse);
  return {with_denominator(a, lse).z + with_denominator(b, lse).z, lse};
}

// The kernel's causal mask assumes that the first query is at the first key. So the cached keys,
// which every query sees, are a separate call without a mask, and the two results are merged.
AttentionOutput fused_after_past(const torch::Tensor& q, const torch::Tensor& k,
                                 const torch::Tensor& v, const AttentionParams& params) {
  const int64_t past = params.past_length;
  const bool one_query = q.size(2) == 1;
  if (past == 0 || one_query)
    return fused_attention(q, k, v, params.causal && !one_query, params.scale);
  return merge(fused_attention(q, k.slice(2, 0, past), v.slice(2, 0, past), false, params.scale),
               fused_attention(q, k.slice(2, past), v.slice(2, past), params.causal, params.scale));
}

AttentionOutput attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                       const AttentionParams& params, const torch::Tensor& padding,
                       const Span& span) {
  const auto values = v.slice(2, span.first_key, span.last_key);
  const auto s = scores(q, k, params, padding, span);
  const auto lse = denominator(s, params, span);
  return {weighted_values(pattern(s, lse, params, span), values), lse};
}

}  // namespace

Span whole_span(int64_t queries, int64_t keys) {
  return {0, queries, 0, keys};
}

torch::Tensor scores(const torch::Tensor& q, const torch::Tensor& k, const AttentionParams& params,
                     const torch::Tensor& padding, const Span& span) {
  const auto dtype = at_least_float(q.scalar_type());
  const auto queries = q.slice(2, span.first_query, span.last_query).to(dtype);
  const auto keys = k.slice(2, span.first_key, span.last_key).to(dtype);
  auto result = grouped_matmul(queries * params.scale, keys.transpose(-1, -2));
  if (params.softcap > 0) result = at::tanh(result / params.softcap) * params.softcap;
  if (params.alibi.defined()) {
    const auto query_bias = params.alibi.slice(1, params.past_length + span.first_query,
                                               params.past_length + span.last_query);
    result +=
        params.alibi.slice(1, span.first_key, span.last_key).unsqueeze(1) - query_bias.unsqueeze(2);
  }
  if (params.causal) result.masked_fill_(masked_pairs(params, span, q.device()), kMinusInfinity);
  if (padding.defined()) {
    const auto padded = padding.slice(1, span.first_key, span.last_key);
    result.masked_fill_(padded.unsqueeze(1).unsqueeze(1), kMinusInfinity);
  }
  return result;
}

// With a renormalising cap c, the other keys share the weight 1 - c when the capped key would get
// more than c. Their weights e^s / D sum to 1 - c for D = sum_others e^s / (1 - c), that is
// log D = lse_others - log(1 - c). This is smaller than the uncapped lse exactly when the capped
// key has more than c, so the minimum of both is the denominator.
torch::Tensor denominator(const torch::Tensor& scores, const AttentionParams& params,
                          const Span& span) {
  if (params.form == AttentionForm::kSoftpick) return log_softpick_sum(scores);
  const auto weights = log_weights(scores, params.form);
  auto lse = add_sink_logits(at::logsumexp(weights, -1), params);
  if (!has_cap(params) || !params.attention_cap.renormalize) return lse;
  const auto other_weights =
      weights.masked_fill(capped_pairs(params, span, scores.device()), kMinusInfinity);
  const auto lse_others = add_sink_logits(at::logsumexp(other_weights, -1), params);
  const auto log_remaining =
      at::log1p(-params.attention_cap.max_share.to(scores.options())).unsqueeze(1);  // [H, 1]
  return at::minimum(lse, lse_others - log_remaining);
}

torch::Tensor pattern(const torch::Tensor& scores, const torch::Tensor& lse,
                      const AttentionParams& params, const Span& span) {
  auto shares = log_weights(scores, params.form);
  if (params.form != AttentionForm::kSigmoid) shares = shares - lse.unsqueeze(-1);
  shares = at::exp(shares);
  if (!has_cap(params)) return shares;
  const auto cap = params.attention_cap.max_share.to(scores.options()).view({-1, 1, 1});
  return at::where(capped_pairs(params, span, scores.device()), at::minimum(shares, cap), shares);
}

torch::Tensor weighted_values(const torch::Tensor& pattern, const torch::Tensor& v) {
  return grouped_matmul(pattern, v.to(pattern.scalar_type())).to(v.scalar_type());
}

AttentionOutput with_denominator(const AttentionOutput& output, const torch::Tensor& lse) {
  if (lse.is_same(output.lse)) return output;
  const auto factor = at::exp(output.lse - lse).unsqueeze(-1);
  return {output.z * factor.to(output.z.scalar_type()), lse};
}

AttentionOutput softmax_attention(const torch::Tensor& q, const torch::Tensor& k,
                                  const torch::Tensor& v, const AttentionParams& params,
                                  const torch::Tensor& padding) {
  const int64_t queries = q.size(2), keys = k.size(2);
  if (fused_kernel_supports(params, padding, keys) && has_fused_attention(q, k, v)) {
    const auto output = fused_after_past(q, k, v, params);
    return with_denominator(output, add_sink_logits(output.lse, params));
  }
  std::vector<torch::Tensor> z, lse;
  for (int64_t first = 0; first < queries; first += kQueryBlock) {
    const int64_t last = std::min(first + kQueryBlock, queries);
    const int64_t first_key =
        sees_everything(params, keys)
            ? 0
            : std::max<int64_t>(0, params.past_length + first - params.window + 1);
    const int64_t last_key = params.causal ? params.past_length + last : keys;
    const auto block = attend(q, k, v, params, padding, {first, last, first_key, last_key});
    z.push_back(block.z);
    lse.push_back(block.lse);
  }
  return {at::cat(z, 2), at::cat(lse, 2)};
}

}  // namespace spikesink::detail
