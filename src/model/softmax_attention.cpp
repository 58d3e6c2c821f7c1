#include "model/softmax_attention.h"

#include <algorithm>
#include <limits>

#include "detail/dtype.h"

namespace spikesink::detail {
namespace {

// Queries that are taken together: enough for the matrix product, few enough for the cache.
constexpr int64_t kQueries = 64;

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

// One product of each key/value head with all the query heads of its group.
// a [B, H, rows, n], b [B, K, n, columns] -> [B, H, rows, columns].
torch::Tensor grouped_matmul(const torch::Tensor& a, const torch::Tensor& b) {
  const int64_t heads = a.size(1), groups = b.size(1);
  const auto rows_of_group = a.reshape({a.size(0), groups, heads / groups * a.size(2), a.size(3)});
  return at::matmul(rows_of_group, b).view({a.size(0), heads, a.size(2), b.size(3)});
}

// [queries, keys], true where the query does not see the key.
torch::Tensor hidden(const ScoreRule& rule, const Span& span, torch::Device device) {
  const auto options = torch::TensorOptions(torch::kLong).device(device);
  const auto query = at::arange(span.first_query, span.last_query, options).unsqueeze(1);
  const auto key = at::arange(span.first_key, span.last_key, options);
  const auto future = key > query;
  return rule.window > 0 ? future.logical_or(key <= query - rule.window) : future;
}

bool sees_everything(const ScoreRule& rule, int64_t length) {
  return rule.window == 0 || rule.window >= length;
}

bool fused_kernel_knows(const ScoreRule& rule, const torch::Tensor& padding, int64_t length) {
  return rule.softcap == 0 && !rule.alibi.defined() && !padding.defined() &&
         sees_everything(rule, length);
}

Attended attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                const ScoreRule& rule, const torch::Tensor& padding, const Span& span) {
  const auto values = v.slice(2, span.first_key, span.last_key);
  const auto s = scores(q, k, rule, padding, span);
  const auto lse = at::logsumexp(s, -1);
  return {weighted_values(at::exp(s - lse.unsqueeze(-1)), values), lse};
}

}  // namespace

Span whole(int64_t length) {
  return {0, length, 0, length};
}

torch::Tensor scores(const torch::Tensor& q, const torch::Tensor& k, const ScoreRule& rule,
                     const torch::Tensor& padding, const Span& span) {
  const auto dtype = at_least_float(q.scalar_type());
  const auto queries = q.slice(2, span.first_query, span.last_query).to(dtype);
  const auto keys = k.slice(2, span.first_key, span.last_key).to(dtype);
  auto result = grouped_matmul(queries * rule.scale, keys.transpose(-1, -2));
  if (rule.softcap > 0) result = (result / rule.softcap).tanh_().mul_(rule.softcap);
  if (rule.alibi.defined()) {
    result += rule.alibi.slice(1, span.first_key, span.last_key).unsqueeze(1) -
              rule.alibi.slice(1, span.first_query, span.last_query).unsqueeze(2);
  }
  if (rule.causal) result.masked_fill_(hidden(rule, span, q.device()), kMinusInfinity);
  if (padding.defined()) {
    const auto padded = padding.slice(1, span.first_key, span.last_key);
    result.masked_fill_(padded.unsqueeze(1).unsqueeze(1), kMinusInfinity);
  }
  return result;
}

torch::Tensor weighted_values(const torch::Tensor& pattern, const torch::Tensor& v) {
  return grouped_matmul(pattern, v.to(pattern.scalar_type())).to(v.scalar_type());
}

Attended softmax_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                           const ScoreRule& rule, const torch::Tensor& padding) {
  const int64_t length = q.size(2);
  if (fused_kernel_knows(rule, padding, length)) {
    const auto [z, lse] =
        at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, rule.causal, {}, rule.scale);
    return {z, lse};
  }
  std::vector<torch::Tensor> z, lse;
  for (int64_t first = 0; first < length; first += kQueries) {
    const int64_t last = std::min(first + kQueries, length);
    const int64_t first_key =
        sees_everything(rule, length) ? 0 : std::max<int64_t>(0, first - rule.window + 1);
    const auto part =
        attend(q, k, v, rule, padding, {first, last, first_key, rule.causal ? last : length});
    z.push_back(part.z);
    lse.push_back(part.lse);
  }
  return {at::cat(z, 2), at::cat(lse, 2)};
}

}  // namespace spikesink::detail
