#include "measure/sinks/attention_distances.h"

#include <algorithm>
#include <cmath>

#include "measure/core/clones.h"
#include "measure/core/fast_exp.h"
#include "measure/sinks/column_sums.h"

namespace spikesink::detail {
namespace {

SPIKESINK_CLONES void to_attention(float* scores, float lse, int64_t count) {
  for (int64_t k = 0; k < count; ++k) scores[k] = fast_exp(scores[k] - lse);
}
SPIKESINK_CLONES void to_attention(double* scores, double lse, int64_t count) {
  for (int64_t k = 0; k < count; ++k) scores[k] = fast_exp(scores[k] - lse);
}

SPIKESINK_CLONES void add(const float* attention, int64_t count, float* sums) {
  for (int64_t k = 0; k < count; ++k) sums[k] += attention[k];
}
SPIKESINK_CLONES void add(const double* attention, int64_t count, double* sums) {
  for (int64_t k = 0; k < count; ++k) sums[k] += attention[k];
}

// Adds A |distance|; the first key is `distance` before the query. 32 bits are enough and
// vectorize.
SPIKESINK_CLONES void add_distances(const float* attention, int32_t distance, int32_t count,
                                    float* sums) {
  for (int32_t k = 0; k < count; ++k)
    sums[k] += attention[k] * static_cast<float>(std::abs(distance - k));
}
SPIKESINK_CLONES void add_distances(const double* attention, int32_t distance, int32_t count,
                                    double* sums) {
  for (int32_t k = 0; k < count; ++k)
    sums[k] += attention[k] * static_cast<double>(std::abs(distance - k));
}

}  // namespace

torch::Tensor attention_by_distance(const torch::Tensor& q, const torch::Tensor& k,
                                    const torch::Tensor& lse, const AttentionParams& rule,
                                    const std::vector<int64_t>& windows) {
  const auto add_row = [&](const auto& row, auto* sums, int64_t stride) {
    to_attention(row.scores, row.lse, row.count);
    add(row.scores, row.count, sums);
    const int64_t distance = row.query - row.first_key;
    add_distances(row.scores, static_cast<int32_t>(distance), static_cast<int32_t>(row.count),
                  sums + stride);
    for (size_t index = 0; index < windows.size(); ++index) {
      const int64_t begin = std::max<int64_t>(0, distance - windows[index] + 1);
      const int64_t end = std::min(row.count, distance + windows[index]);
      add(row.scores + begin, end - begin,
          sums + (2 + static_cast<int64_t>(index)) * stride + begin);
    }
  };
  return column_sums(q, k, lse, rule, 2 + static_cast<int64_t>(windows.size()), add_row);
}

torch::Tensor even_attention_by_distance(int64_t length, const AttentionParams& rule,
                                         const std::vector<int64_t>& windows) {
  auto visible = torch::arange(1, length + 1, torch::kDouble);  // keys, for each query
  if (rule.window > 0) visible.clamp_max_(rule.window);
  if (!rule.causal) visible.fill_(length);
  // Equal scores, whose softmax is 1 / visible.
  const auto zeros = torch::zeros({1, length, 1, 1}, torch::kDouble);
  return attention_by_distance(zeros, zeros, visible.log().view({1, 1, length}),
                               {.causal = rule.causal, .window = rule.window}, windows)[0][0];
}

}  // namespace spikesink::detail
