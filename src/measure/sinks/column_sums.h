#pragma once

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "detail/dtype.h"
#include "measure/sinks/score_bias.h"

namespace spikesink::detail {

/// The scores of one query, for the keys that it can attend to.
template <typename Real>
struct ScoreRow {
  int64_t query = 0;
  int64_t first_key = 0;
  int64_t count = 0;       // of keys, from first_key on
  Real* scores = nullptr;  // of these keys; may be overwritten
  Real lse = 0;            // A[query, key] = exp(score - lse)
};

// Computes sums over the queries of one head, one block of queries at a time. The lse of each row
// is known from the fused kernel, so every block of rows can be added and discarded.
template <typename Real>
class ColumnSums {
 public:
  ColumnSums(const AttentionParams& rule, const ScoreBias<Real>& bias, const torch::Tensor& q,
             int64_t sums_per_key)
      : rule_(rule),
        bias_(bias),
        length_(q.size(1)),
        sums_per_key_(sums_per_key),
        scores_(at::empty({kScoredQueries * length_}, q.options())),
        block_sums_(sums_per_key * length_) {}

  /// Adds to `sums` [sums_per_key, T]. q (already scaled) and k are [T, d], lse is [T].
  template <typename AddRow>
  void add(const torch::Tensor& q, const torch::Tensor& k, const Real* lse, int64_t head,
           const AddRow& add_row, double* sums) {
    for (int64_t first = 0; first < length_; first += kScoredQueries)
      add_block(first, std::min(first + kScoredQueries, length_), q, k, lse, head, add_row, sums);
  }

 private:
  // Queries per block: enough for a fast matrix product, few enough for the cache.
  static constexpr int64_t kScoredQueries = 64;

  // The keys that a query can attend to: [first_key, end_key).
  int64_t first_key(int64_t query) const {
    return rule_.window > 0 ? std::max<int64_t>(0, query - rule_.window + 1) : 0;
  }
  int64_t end_key(int64_t query) const { return rule_.causal ? query + 1 : length_; }

  template <typename AddRow>
  void add_block(int64_t first, int64_t last, const torch::Tensor& q, const torch::Tensor& k,
                 const Real* lse, int64_t head, const AddRow& add_row, double* sums) {
    const int64_t from = first_key(first), keys = end_key(last - 1) - from;
    auto scores = scores_.slice(0, 0, (last - first) * keys).view({last - first, keys});
    at::mm_out(scores, q.slice(0, first, last), k.slice(0, from, from + keys).t());
    auto* row = scores.template data_ptr<Real>();
    std::fill_n(block_sums_.begin(), sums_per_key_ * keys, Real{0});
    for (int64_t query = first; query < last; ++query, row += keys) {
      const int64_t begin = first_key(query) - from, count = end_key(query) - from - begin;
      if (!bias_.is_identity()) {
        for (int64_t j = begin; j < begin + count; ++j)
          row[j] = bias_.score(row[j], head, query, from + j);
      }
      apply_caps(row, from, begin, count, query, lse[query], head);
      add_row(ScoreRow<Real>{query, from + begin, count, row + begin, lse[query]},
              block_sums_.data() + begin, /*stride=*/keys);
    }
    for (int64_t sum = 0; sum < sums_per_key_; ++sum) {
      for (int64_t j = 0; j < keys; ++j)
        sums[sum * length_ + from + j] += block_sums_[sum * keys + j];
    }
  }

  // Limits the scores of capped keys so that their attention is at most their cap. `row`
  // starts at key `from`; the query can attend to row[begin] .. row[begin + count - 1].
  void apply_caps(Real* row, int64_t from, int64_t begin, int64_t count, int64_t query, Real lse,
                  int64_t head) const {
    for (const int64_t key : bias_.capped_keys()) {
      const int64_t j = key - from;
      if (j >= begin && j < begin + count && key != query)
        row[j] = std::min(row[j], lse + std::log(bias_.max_attention(head)));
    }
  }

  const AttentionParams& rule_;
  const ScoreBias<Real>& bias_;
  int64_t length_;
  int64_t sums_per_key_;
  torch::Tensor scores_;
  std::vector<Real> block_sums_;  // [sums_per_key, keys of the block]
};

template <typename Real, typename AddRow>
void add_column_sums(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& lse,
                     const AttentionParams& rule, const AddRow& add_row, torch::Tensor& out) {
  const int64_t length = q.size(1), heads = q.size(2), group = heads / k.size(2);
  const int64_t sums_per_key = out.size(2);
  const ScoreBias<Real> bias(rule, length);
  at::parallel_for(0, q.size(0) * heads, 1, [&](int64_t begin, int64_t end) {
    const torch::NoGradGuard no_grad;  // NoGradGuard is thread-local
    ColumnSums<Real> columns(rule, bias, q, sums_per_key);
    for (int64_t index = begin; index < end; ++index) {
      const int64_t sequence = index / heads, head = index % heads;
      columns.add(q[sequence].select(1, head), k[sequence].select(1, head / group),
                  lse.data_ptr<Real>() + index * length, head, add_row,
                  out.data_ptr<double>() + index * sums_per_key * length);
    }
  });
}

/// Computes sums over all queries for every key of every head: q [B, T, H, d], k [B, T, K, d], lse
/// [B, H, T] -> [B, H, sums_per_key, T] float64. Scores are computed for a few queries at a time:
/// O(T^2 d) time and O(T) memory per head. `add_row(row, sums, stride)` adds the terms of one
/// `ScoreRow` of float or double: sum s of its key j is sums[s * stride + j].
template <typename AddRow>
torch::Tensor column_sums(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& lse,
                          const AttentionParams& rule, int64_t sums_per_key,
                          const AddRow& add_row) {
  const auto dtype = at_least_float(q.scalar_type());
  const auto queries = q.to(torch::kCPU, dtype) * rule.scale;  // [B, T, H, d]
  const auto keys = k.to(torch::kCPU, dtype);
  const auto denominators = lse.to(torch::kCPU, dtype).contiguous();
  auto out = torch::zeros({q.size(0), q.size(2), sums_per_key, q.size(1)}, torch::kDouble);
  if (dtype == torch::kDouble) {
    add_column_sums<double>(queries, keys, denominators, rule, add_row, out);
  } else {
    add_column_sums<float>(queries, keys, denominators, rule, add_row, out);
  }
  return out;
}

}  // namespace spikesink::detail
