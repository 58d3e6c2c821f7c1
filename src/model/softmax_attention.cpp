#include "model/softmax_attention.h"

#include <algorithm>
#include <limits>

#include "detail/dtype.h"

namespace spikesink::detail {
namespace {

// Queries that are taken together: enough for the matrix product, few enough for the cache.
constexpr int64_t kQueries = 64;

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

constexpr double kSoftpickEpsilon = 1e-6;  // as its authors add to the sum
constexpr double kLeastScore = 1e-6;       // below it a softpick weight is that of this score

// One product of each key/value head with all the query heads of its group.
// a [B, H, rows, n], b [B, K, n, columns] -> [B, H, rows, columns].
torch::Tensor grouped_matmul(const torch::Tensor& a, const torch::Tensor& b) {
  const int64_t heads = a.size(1), groups = b.size(1);
  const auto rows_of_group = a.reshape({a.size(0), groups, heads / groups * a.size(2), a.size(3)});
  return at::matmul(rows_of_group, b).view({a.size(0), heads, a.size(2), b.size(3)});
}

// Positions of a span's queries, [queries, 1], and keys, [keys].
std::pair<torch::Tensor, torch::Tensor> query_and_key_positions(const AttentionParams& rule,
                                                                const Span& span,
                                                                torch::Device device) {
  const auto options = torch::TensorOptions(torch::kLong).device(device);
  return {
      at::arange(rule.past_length + span.first_query, rule.past_length + span.last_query, options)
          .unsqueeze(1),
      at::arange(span.first_key, span.last_key, options)};
}

// [queries, keys], true where the query does not see the key.
torch::Tensor hidden(const AttentionParams& rule, const Span& span, torch::Device device) {
  const auto [query, key] = query_and_key_positions(rule, span, device);
  const auto future = key > query;
  return rule.window > 0 ? future.logical_or(key <= query - rule.window) : future;
}

bool is_limited(const AttentionParams& rule) {
  return !rule.attention_cap.keys.empty();
}

// [queries, keys], true where the rule limits what the query gives the key.
torch::Tensor limited(const AttentionParams& rule, const Span& span, torch::Device device) {
  const auto [query, key] = query_and_key_positions(rule, span, device);
  const auto sinks = torch::tensor(rule.attention_cap.keys, query.options());
  return at::isin(key, sinks).logical_and(key != query);
}

torch::Tensor with_sinks(const torch::Tensor& lse, const AttentionParams& rule) {
  if (rule.form == AttentionForm::kSoftmaxPlusOne)
    return at::logaddexp(lse, at::zeros({1}, lse.options()));
  if (!rule.sink_logits.defined()) return lse;
  return at::logaddexp(lse, rule.sink_logits.to(lse.scalar_type()).unsqueeze(1));
}

// The logarithms of the weights that scores stand for.
torch::Tensor log_weights(const torch::Tensor& scores, AttentionForm form) {
  if (form == AttentionForm::kSigmoid) return at::log_sigmoid(scores);
  if (form != AttentionForm::kSoftpick) return scores;
  const auto positive = scores.clamp_min(kLeastScore);
  const auto weights = positive + at::log(-at::expm1(-positive));
  return at::where(scores > 0, weights, kMinusInfinity);
}

// log sum |e^s - 1| over the keys that are seen. The largest exponential is taken out first.
torch::Tensor log_softpick_sum(const torch::Tensor& scores) {
  const auto largest = scores.amax(-1, /*keepdim=*/true).clamp_min(0).detach();
  const auto terms = (at::exp(scores - largest) - at::exp(-largest)).abs();
  const auto sum = terms.masked_fill(scores == kMinusInfinity, 0).sum(-1) + kSoftpickEpsilon;
  return at::log(sum) + largest.squeeze(-1);
}

bool sees_everything(const AttentionParams& rule, int64_t keys) {
  return rule.window == 0 || rule.window >= keys;
}

// The kernel's log-sum-exp has no gradient.
bool needs_own_gradient(const AttentionParams& rule) {
  return at::GradMode::is_enabled() &&
         (rule.needs_denominator || rule.form == AttentionForm::kSoftmaxPlusOne);
}

bool fused_kernel_knows(const AttentionParams& rule, const torch::Tensor& padding, int64_t keys) {
  return rule.softcap == 0 && !rule.alibi.defined() && !padding.defined() && !is_limited(rule) &&
         sees_everything(rule, keys) && !needs_own_gradient(rule) &&
         (rule.form == AttentionForm::kSoftmax || rule.form == AttentionForm::kSoftmaxPlusOne);
}

// Attention to two sets of keys as one.
Attended joined(const Attended& a, const Attended& b) {
  const auto lse = at::logaddexp(a.lse, b.lse);
  return {under_denominator(a, lse).z + under_denominator(b, lse).z, lse};
}

// The kernel's triangle begins at the first key: the keys before the first query are taken apart.
Attended fused_after_past(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                          const AttentionParams& rule) {
  const int64_t past = rule.past_length;
  const bool one_query = q.size(2) == 1;
  if (past == 0 || one_query)
    return fused_attention(q, k, v, rule.causal && !one_query, rule.scale);
  return joined(fused_attention(q, k.slice(2, 0, past), v.slice(2, 0, past), false, rule.scale),
                fused_attention(q, k.slice(2, past), v.slice(2, past), rule.causal, rule.scale));
}

Attended attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                const AttentionParams& rule, const torch::Tensor& padding, const Span& span) {
  const auto values = v.slice(2, span.first_key, span.last_key);
  const auto s = scores(q, k, rule, padding, span);
  const auto lse = denominator(s, rule, span);
  return {weighted_values(pattern(s, lse, rule, span), values), lse};
}

}  // namespace

Span whole(int64_t queries, int64_t keys) {
  return {0, queries, 0, keys};
}

torch::Tensor scores(const torch::Tensor& q, const torch::Tensor& k, const AttentionParams& rule,
                     const torch::Tensor& padding, const Span& span) {
  const auto dtype = at_least_float(q.scalar_type());
  const auto queries = q.slice(2, span.first_query, span.last_query).to(dtype);
  const auto keys = k.slice(2, span.first_key, span.last_key).to(dtype);
  auto result = grouped_matmul(queries * rule.scale, keys.transpose(-1, -2));
  if (rule.softcap > 0) result = at::tanh(result / rule.softcap) * rule.softcap;
  if (rule.alibi.defined()) {
    const auto of_queries = rule.alibi.slice(1, rule.past_length + span.first_query,
                                             rule.past_length + span.last_query);
    result +=
        rule.alibi.slice(1, span.first_key, span.last_key).unsqueeze(1) - of_queries.unsqueeze(2);
  }
  if (rule.causal) result.masked_fill_(hidden(rule, span, q.device()), kMinusInfinity);
  if (padding.defined()) {
    const auto padded = padding.slice(1, span.first_key, span.last_key);
    result.masked_fill_(padded.unsqueeze(1).unsqueeze(1), kMinusInfinity);
  }
  return result;
}

// Others that would get the share 1 - c, c the limit, have the denominator lse_others - log(1 - c):
// a smaller one than the scores' own where the sink has more than c.
torch::Tensor denominator(const torch::Tensor& scores, const AttentionParams& rule,
                          const Span& span) {
  if (rule.form == AttentionForm::kSoftpick) return log_softpick_sum(scores);
  const auto weights = log_weights(scores, rule.form);
  auto lse = with_sinks(at::logsumexp(weights, -1), rule);
  if (!is_limited(rule) || !rule.attention_cap.renormalize) return lse;
  const auto without = weights.masked_fill(limited(rule, span, scores.device()), kMinusInfinity);
  const auto others = with_sinks(at::logsumexp(without, -1), rule);
  const auto left =
      at::log1p(-rule.attention_cap.max_share.to(scores.options())).unsqueeze(1);  // [H, 1]
  return at::minimum(lse, others - left);
}

torch::Tensor pattern(const torch::Tensor& scores, const torch::Tensor& lse,
                      const AttentionParams& rule, const Span& span) {
  auto shares = log_weights(scores, rule.form);
  if (rule.form != AttentionForm::kSigmoid) shares = shares - lse.unsqueeze(-1);
  shares = at::exp(shares);
  if (!is_limited(rule)) return shares;
  const auto most = rule.attention_cap.max_share.to(scores.options()).view({-1, 1, 1});
  return at::where(limited(rule, span, scores.device()), at::minimum(shares, most), shares);
}

torch::Tensor weighted_values(const torch::Tensor& pattern, const torch::Tensor& v) {
  return grouped_matmul(pattern, v.to(pattern.scalar_type())).to(v.scalar_type());
}

Attended under_denominator(const Attended& attended, const torch::Tensor& lse) {
  if (lse.is_same(attended.lse)) return attended;
  const auto factor = at::exp(attended.lse - lse).unsqueeze(-1);
  return {attended.z * factor.to(attended.z.scalar_type()), lse};
}

Attended softmax_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                           const AttentionParams& rule, const torch::Tensor& padding) {
  const int64_t queries = q.size(2), keys = k.size(2);
  if (fused_kernel_knows(rule, padding, keys) && has_fused_attention(q, k, v)) {
    const auto attended = fused_after_past(q, k, v, rule);
    return under_denominator(attended, with_sinks(attended.lse, rule));
  }
  std::vector<torch::Tensor> z, lse;
  for (int64_t first = 0; first < queries; first += kQueries) {
    const int64_t last = std::min(first + kQueries, queries);
    const int64_t first_key =
        sees_everything(rule, keys)
            ? 0
            : std::max<int64_t>(0, rule.past_length + first - rule.window + 1);
    const int64_t last_key = rule.causal ? rule.past_length + last : keys;
    const auto part = attend(q, k, v, rule, padding, {first, last, first_key, last_key});
    z.push_back(part.z);
    lse.push_back(part.lse);
  }
  return {at::cat(z, 2), at::cat(lse, 2)};
}

}  // namespace spikesink::detail
