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

// Queries whose scores are formed together: enough for the matrix product, few enough for the
// cache.
constexpr int64_t kScoredQueries = 64;

SPIKESINK_CLONES void add_attention(const float* scores, float lse, int64_t count, float* sums) {
  for (int64_t k = 0; k < count; ++k) sums[k] += fast_exp(scores[k] - lse);
}
SPIKESINK_CLONES void add_attention(const double* scores, double lse, int64_t count, double* sums) {
  for (int64_t k = 0; k < count; ++k) sums[k] += fast_exp(scores[k] - lse);
}

// The column sums of one head's attention matrix, a band of queries at a time.
template <typename Real>
class ColumnSums {
 public:
  ColumnSums(const AttentionParams& rule, const ScoreBias<Real>& bias, const torch::Tensor& q)
      : rule_(rule),
        bias_(bias),
        length_(q.size(1)),
        scores_(at::empty({kScoredQueries * length_}, q.options())),
        band_sums_(length_) {}

  /// q and k [T, d], q scaled; lse [T]; adds to sums [T].
  void add(const torch::Tensor& q, const torch::Tensor& k, const Real* lse, int64_t head,
           double* sums) {
    for (int64_t first = 0; first < length_; first += kScoredQueries)
      add_band(first, std::min(first + kScoredQueries, length_), q, k, lse, head, sums);
  }

 private:
  // The keys that a query sees: [first, last).
  int64_t first_key(int64_t query) const {
    return rule_.window > 0 ? std::max<int64_t>(0, query - rule_.window + 1) : 0;
  }
  int64_t last_key(int64_t query) const { return rule_.causal ? query + 1 : length_; }

  void add_band(int64_t first, int64_t last, const torch::Tensor& q, const torch::Tensor& k,
                const Real* lse, int64_t head, double* sums) {
    const int64_t from = first_key(first), keys = last_key(last - 1) - from;
    auto scores = scores_.slice(0, 0, (last - first) * keys).view({last - first, keys});
    at::mm_out(scores, q.slice(0, first, last), k.slice(0, from, from + keys).t());
    auto* row = scores.template data_ptr<Real>();
    std::fill_n(band_sums_.begin(), keys, Real{0});
    for (int64_t query = first; query < last; ++query, row += keys) {
      const int64_t begin = first_key(query) - from, count = last_key(query) - from - begin;
      if (!bias_.changes_nothing()) {
        for (int64_t j = begin; j < begin + count; ++j)
          row[j] = bias_.score(row[j], head, query, from + j);
      }
      limit(row, from, begin, count, query, lse[query], head);
      add_attention(row + begin, lse[query], count, band_sums_.data() + begin);
    }
    for (int64_t j = 0; j < keys; ++j) sums[from + j] += band_sums_[j];
  }

  // Lowers the scores of limited keys to what their share may be. `row` is of the keys from `from`
  // on, of which the query sees `count` from `begin` on.
  void limit(Real* row, int64_t from, int64_t begin, int64_t count, int64_t query, Real lse,
             int64_t head) const {
    for (const int64_t key : bias_.limited_keys()) {
      const int64_t j = key - from;
      if (j >= begin && j < begin + count && key != query)
        row[j] = std::min(row[j], lse + std::log(bias_.most(head)));
    }
  }

  const AttentionParams& rule_;
  const ScoreBias<Real>& bias_;
  int64_t length_;
  torch::Tensor scores_;
  std::vector<Real> band_sums_;
};

template <typename Real>
void sum_columns(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& lse,
                 const AttentionParams& rule, torch::Tensor& out) {
  const int64_t length = q.size(1), heads = q.size(2), group = heads / k.size(2);
  const ScoreBias<Real> bias(rule, length);
  at::parallel_for(0, q.size(0) * heads, 1, [&](int64_t begin, int64_t end) {
    const torch::NoGradGuard no_grad;  // the caller's does not reach its threads
    ColumnSums<Real> columns(rule, bias, q);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t sequence = unit / heads, head = unit % heads;
      columns.add(q[sequence].select(1, head), k[sequence].select(1, head / group),
                  lse.data_ptr<Real>() + unit * length, head,
                  out.data_ptr<double>() + unit * length);
    }
  });
}

}  // namespace

torch::Tensor attention_to_keys(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& lse, const AttentionParams& rule) {
  const int64_t length = q.size(1);
  const auto dtype = at_least_float(q.scalar_type());
  const auto queries = q.to(torch::kCPU, dtype) * rule.scale;  // [B, T, H, d]
  const auto keys = k.to(torch::kCPU, dtype);
  const auto denominators = lse.to(torch::kCPU, dtype).contiguous();
  auto out = torch::zeros({q.size(0), q.size(2), length}, torch::kDouble);
  if (dtype == torch::kDouble) {
    sum_columns<double>(queries, keys, denominators, rule, out);
  } else {
    sum_columns<float>(queries, keys, denominators, rule, out);
  }
  const auto queries_that_see =
      rule.causal ? torch::arange(length, 0, -1, torch::kDouble)
                  : torch::full({length}, static_cast<double>(length), torch::kDouble);
  return out / queries_that_see;
}

}  // namespace spikesink::detail
