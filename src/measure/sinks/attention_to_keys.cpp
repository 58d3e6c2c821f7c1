#include "measure/sinks/attention_to_keys.h"

#include "measure/core/clones.h"
#include "measure/core/fast_exp.h"
#include "measure/sinks/column_sums.h"

namespace spikesink::detail {
namespace {

SPIKESINK_CLONES void add_attention(const float* scores, float lse, int64_t count, float* sums) {
  for (int64_t k = 0; k < count; ++k) sums[k] += fast_exp(scores[k] - lse);
}
SPIKESINK_CLONES void add_attention(const double* scores, double lse, int64_t count, double* sums) {
  for (int64_t k = 0; k < count; ++k) sums[k] += fast_exp(scores[k] - lse);
}

}  // namespace

torch::Tensor attention_sums(const torch::Tensor& q, const torch::Tensor& k,
                             const torch::Tensor& lse, const AttentionParams& rule) {
  const auto add_row = [](const auto& row, auto* sums, int64_t /*stride*/) {
    add_attention(row.scores, row.lse, row.count, sums);
  };
  return column_sums(q, k, lse, rule, /*sums_per_key=*/1, add_row).squeeze(2);
}

torch::Tensor attention_to_keys(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& lse, const AttentionParams& rule) {
  return mean_over_queries(attention_sums(q, k, lse, rule), rule);
}

torch::Tensor mean_over_queries(const torch::Tensor& sums, const AttentionParams& rule) {
  const int64_t length = sums.size(-1);
  const auto query_counts =
      rule.causal ? torch::arange(length, 0, -1, torch::kDouble)
                  : torch::full({length}, static_cast<double>(length), torch::kDouble);
  return sums / query_counts;
}

int64_t keys_seen_by(int64_t least_queries, int64_t length, bool causal) {
  const int64_t excluded = causal ? least_queries - 1 : 0;
  return length < least_queries ? 0 : length - excluded;
}

}  // namespace spikesink::detail
