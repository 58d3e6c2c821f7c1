#include "measure/sinks/attention_to_keys.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "detail/dtype.h"
#include "measure/core/clones.h"
#include "measure/core/fast_exp.h"
#include "measure/sinks/score_bias.h"

namespace spikesink::detail {
namespace {

// Queries per block: enough for a fast matrix product, few enough for the cache.
constexpr int64_t kScoredQueries = 64;

SPIKESINK_CLONES void add_attention(const float* scores, float lse, int64_t count, float* sums) {
  for (int64_t k = 0; k < count; ++k) sums[k] += fast_exp(scores[k] - lse);
}
SPIKESINK_CLONES void add_attention(const double* scores, double lse, int64_t count, double* sums) {
  for (int64_t k = 0; k < count; ++k) sums[k] += fast_exp(scores[k] - lse);
}

// Computes the column sums of one head's attention matrix, one block of queries at a time: sum_i
// A[i, k] = sum_i exp(score[i, k] - lse_i). The lse of each row is known from the fused kernel, so
// every block of rows can be added and discarded.
template <typename Real>
class ColumnSums {
 public:
  ColumnSums(const AttentionParams& rule, const ScoreBias<Real>& bias, const torch::Tensor& q)
      : rule_(rule),
        bias_(bias),
        length_(q.size(1)),
        scores_(at::empty({kScoredQueries * length_}, q.options())),
        block_sums_(length_) {}

  /// Adds to `sums` [T]. q (already scaled) and k are [T, d], lse is [T].
  void add(const torch::Tensor& q, const torch::Tensor& k, const Real* lse, int64_t head,
           double* sums) {
    for (int64_t first = 0; first < length_; first += kScoredQueries)
      add_block(first, std::min(first + kScoredQueries, length_), q, k, lse, head, sums);
  }

 private:
  // The keys that a query can attend to: [first_key, end_key).
  int64_t first_key(int64_t query) const {
    return rule_.window > 0 ? std::max<int64_t>(0, query - rule_.window + 1) : 0;
  }
  int64_t end_key(int64_t query) const { return rule_.causal ? query + 1 : length_; }

  void add_block(int64_t first, int64_t last, const torch::Tensor& q, const torch::Tensor& k,
                 const Real* lse, int64_t head, double* sums) {
    const int64_t from = first_key(first), keys = end_key(last - 1) - from;
    auto scores = scores_.slice(0, 0, (last - first) * keys).view({last - first, keys});
    at::mm_out(scores, q.slice(0, first, last), k.slice(0, from, from + keys).t());
    auto* row = scores.template data_ptr<Real>();
    std::fill_n(block_sums_.begin(), keys, Real{0});
    for (int64_t query = first; query < last; ++query, row += keys) {
      const int64_t begin = first_key(query) - from, count = end_key(query) - from - begin;
      if (!bias_.is_identity()) {
        for (int64_t j = begin; j < begin + count; ++j)
          row[j] = bias_.score(row[j], head, query, from + j);
      }
      apply_caps(row, from, begin, count, query, lse[query], head);
      add_attention(row + begin, lse[query], count, block_sums_.data() + begin);
    }
    for (int64_t j = 0; j < keys; ++j) sums[from + j] += block_sums_[j];
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
  torch::Tensor scores_;
  std::vector<Real> block_sums_;
};

template <typename Real>
void sum_columns(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& lse,
                 const AttentionParams& rule, torch::Tensor& out) {
  const int64_t length = q.size(1), heads = q.size(2), group = heads / k.size(2);
  const ScoreBias<Real> bias(rule, length);
  at::parallel_for(0, q.size(0) * heads, 1, [&](int64_t begin, int64_t end) {
    const torch::NoGradGuard no_grad;  // NoGradGuard is thread-local
    ColumnSums<Real> columns(rule, bias, q);
    for (int64_t index = begin; index < end; ++index) {
      const int64_t sequence = index / heads, head = index % heads;
      columns.add(q[sequence].select(1, head), k[sequence].select(1, head / group),
                  lse.data_ptr<Real>() + index * length, head,
                  out.data_ptr<double>() + index * length);
    }
  });
}

}  // namespace

torch::Tensor attention_sums(const torch::Tensor& q, const torch::Tensor& k,
                             const torch::Tensor& lse, const AttentionParams& rule) {
  const auto dtype = at_least_float(q.scalar_type());
  const auto queries = q.to(torch::kCPU, dtype) * rule.scale;  // [B, T, H, d]
  const auto keys = k.to(torch::kCPU, dtype);
  const auto denominators = lse.to(torch::kCPU, dtype).contiguous();
  auto out = torch::zeros({q.size(0), q.size(2), q.size(1)}, torch::kDouble);
  if (dtype == torch::kDouble) {
    sum_columns<double>(queries, keys, denominators, rule, out);
  } else {
    sum_columns<float>(queries, keys, denominators, rule, out);
  }
  return out;
}

torch::Tensor attention_to_keys(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& lse, const AttentionParams& rule) {
  const int64_t length = q.size(1);
  const auto query_counts =
      rule.causal ? torch::arange(length, 0, -1, torch::kDouble)
                  : torch::full({length}, static_cast<double>(length), torch::kDouble);
  return attention_sums(q, k, lse, rule) / query_counts;
}

}  // namespace spikesink::detail
