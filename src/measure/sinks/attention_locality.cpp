#include "spikesink/measure/sinks/attention_locality.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/sinks/attention_distances.h"
#include "measure/sinks/attention_to_keys.h"
#include "measure/sinks/roc_area.h"
#include "measure/sinks/sink_keys.h"
#include "measure/sinks/watch_scores.h"

namespace spikesink {
namespace {

// Indices of the dimensions `key sets` and `measured and even` of the sums.
constexpr int64_t kWithoutSinks = 0, kWithoutCommonSinks = 1, kKeySets = 2;
constexpr int64_t kMeasured = 0, kEven = 1, kKinds = 2;

void check(const AttentionLocalityOptions& options) {
  detail::check(options.common_sinks, "AttentionLocality");
  if (options.least_queries < 1)
    detail::fail_argument("[AttentionLocality] least_queries: got {}, expected at least 1",
                          options.least_queries);
  for (const int64_t window : options.windows) {
    if (window < 1)
      detail::fail_argument("[AttentionLocality] windows: got {}, expected at least 1 token",
                            window);
  }
  const double share = options.least_share_of_sequences;
  if (!(share > 0 && share <= 1))
    detail::fail_argument(
        "[AttentionLocality] least_share_of_sequences: got {}, expected more than 0, at most 1",
        share);
}

// Adds to `sums` [heads, sums] what the kept keys [B, heads, T] have in the columns [B, heads,
// sums, T].
void add_kept(const torch::Tensor& sums, const torch::Tensor& columns, const torch::Tensor& kept) {
  sums.add_(at::where(kept.unsqueeze(2), columns, 0.0).sum({0, 3}));
}

Locality locality_of(const torch::Tensor& sums, int64_t queries) {
  const auto sum = sums.accessor<double, 1>();
  Locality locality{.attention = sum[0] / static_cast<double>(queries),
                    .mean_distance = sum[1] / sum[0]};
  for (int64_t index = 2; index < sums.size(0); ++index)
    locality.within.push_back(sum[index] / sum[0]);
  return locality;
}

void add_share(Locality& mean, const Locality& locality, double share) {
  mean.attention += share * locality.attention;
  mean.mean_distance += share * locality.mean_distance;
  mean.within.resize(locality.within.size());
  for (size_t index = 0; index < mean.within.size(); ++index)
    mean.within[index] += share * locality.within[index];
}

HeadGroupLocality mean_of(const std::vector<const KeySetLocality*>& heads, size_t windows) {
  if (heads.empty()) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const Locality unknown{nan, nan, std::vector<double>(windows, nan)};
    return {0, {unknown, unknown}};
  }
  HeadGroupLocality group{.heads = static_cast<int64_t>(heads.size())};
  const double share = 1.0 / static_cast<double>(heads.size());
  for (const auto* head : heads) {
    add_share(group.mean.measured, head->measured, share);
    add_share(group.mean.even, head->even, share);
  }
  return group;
}

std::vector<double> mean_distances(const std::vector<const KeySetLocality*>& heads) {
  std::vector<double> distances;
  for (const auto* head : heads) distances.push_back(head->measured.mean_distance);
  return distances;
}

LocalityComparison compare(const std::vector<HeadLocality>& heads,
                           KeySetLocality HeadLocality::*keys, size_t windows) {
  std::vector<const KeySetLocality*> sink_heads, other_heads;
  for (const auto& head : heads) {
    if (std::isfinite((head.*keys).measured.mean_distance))
      (head.is_sink_head ? sink_heads : other_heads).push_back(&(head.*keys));
  }
  return {mean_of(sink_heads, windows), mean_of(other_heads, windows),
          detail::roc_area(mean_distances(other_heads), mean_distances(sink_heads))};
}

LocalityComparisons compare(const std::vector<HeadLocality>& heads, size_t windows) {
  return {compare(heads, &HeadLocality::without_sinks, windows),
          compare(heads, &HeadLocality::without_common_sinks, windows)};
}

}  // namespace

HookScope AttentionLocality::attach(Transformer& model, RunContext& context) {
  check(options_);
  const auto& config = model->config();
  const auto sums = 2 + static_cast<int64_t>(options_.windows.size());
  sums_ = torch::zeros({config.n_layers, config.n_heads, kKeySets, kKinds, sums}, torch::kDouble);
  sequences_with_sink_ = torch::zeros({config.n_layers, config.n_heads}, torch::kLong);
  sequences_ = queries_ = 0;
  layers_run_.clear();
  return detail::watch_scores(
      model, [this, &context](const detail::LayerScores& scores) { add(scores, context.batch()); });
}

void AttentionLocality::add(const detail::LayerScores& scores, const TokenBatch& batch) {
  const int64_t sequences = scores.q.size(0), length = scores.q.size(1);
  const int64_t keys = detail::keys_seen_by(options_.least_queries, length, scores.rule.causal);
  if (keys == 0) return;
  detail::add_layer(layers_run_, scores.layer);
  if (scores.is_first) {
    sequences_ += sequences;
    queries_ += sequences * length;
  }
  const auto measured = detail::attention_by_distance(scores.q, scores.k, scores.lse, scores.rule,
                                                      options_.windows);  // [B, H, sums, T]
  const auto even =
      detail::even_attention_by_distance(length, scores.rule, options_.windows);  // [sums, T]
  auto is_sink = detail::mean_over_queries(measured.select(2, 0), scores.rule) >
                 options_.epsilon;  // [B, H, T]
  is_sink.slice(2, keys).fill_(false);
  sequences_with_sink_[scores.layer] += is_sink.any(2).sum(0);
  const auto is_common = detail::sink_mask(options_.common_sinks, batch).unsqueeze(1);
  const auto sums = sums_[scores.layer];  // [H, key sets, kinds, sums]
  const auto add_key_set = [&](int64_t key_set, const torch::Tensor& kept) {
    add_kept(sums.select(1, key_set).select(1, kMeasured), measured, kept);
    add_kept(sums.select(1, key_set).select(1, kEven), even, kept);
  };
  add_key_set(kWithoutSinks, ~is_sink);
  add_key_set(kWithoutCommonSinks, ~(is_sink | is_common));
}

void AttentionLocality::merge(const AttentionLocality& other) {
  const auto same = [](std::string_view what, const auto& got, const auto& expected) {
    detail::expect_same("AttentionLocality", what, got, expected);
  };
  same("windows", other.options_.windows, options_.windows);
  same("layers and heads", other.sequences_with_sink_.sizes().vec(),
       sequences_with_sink_.sizes().vec());
  same("epsilon", other.options_.epsilon, options_.epsilon);
  same("least_queries", other.options_.least_queries, options_.least_queries);
  same("least_share_of_sequences", other.options_.least_share_of_sequences,
       options_.least_share_of_sequences);
  same("common_sinks", other.options_.common_sinks.positions, options_.common_sinks.positions);
  // Not in-place: copies of a measurement share its tensors.
  sums_ = sums_ + other.sums_;
  sequences_with_sink_ = sequences_with_sink_ + other.sequences_with_sink_;
  sequences_ += other.sequences_;
  queries_ += other.queries_;
  for (const int64_t layer : other.layers_run_) detail::add_layer(layers_run_, layer);
}

HeadLocality AttentionLocality::head_locality(int64_t layer, int64_t head) const {
  const auto sums = sums_[layer][head];
  const auto of_keys = [&](int64_t key_set) {
    return KeySetLocality{locality_of(sums[key_set][kMeasured], queries_),
                          locality_of(sums[key_set][kEven], queries_)};
  };
  const double share =
      sequences_with_sink_[layer][head].item<double>() / static_cast<double>(sequences_);
  return {.layer = layer,
          .head = head,
          .share_of_sequences = share,
          .is_sink_head = share >= options_.least_share_of_sequences,
          .without_sinks = of_keys(kWithoutSinks),
          .without_common_sinks = of_keys(kWithoutCommonSinks)};
}

AttentionLocalityResult AttentionLocality::result() const {
  AttentionLocalityResult result{.options = options_, .sequences = sequences_};
  const size_t windows = options_.windows.size();
  for (const int64_t layer : layers_run_) {
    std::vector<HeadLocality> heads;
    for (int64_t head = 0; head < sums_.size(1); ++head)
      heads.push_back(head_locality(layer, head));
    result.layers.push_back({layer, compare(heads, windows)});
    result.heads.insert(result.heads.end(), heads.begin(), heads.end());
  }
  result.all = compare(result.heads, windows);
  return result;
}

template class Mergeable<AttentionLocality>;

}  // namespace spikesink
