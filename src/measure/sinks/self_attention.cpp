#include "spikesink/measure/sinks/self_attention.h"

#include <algorithm>

#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/sinks/attention_received.h"
#include "measure/sinks/watch_scores.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

constexpr int64_t kGroups = 4;  // in the order of PerTokenGroup

template <typename T>
PerTokenGroup<T> of_groups(const torch::Tensor& values) {
  const auto value = [&](int64_t group) { return values[group].item<T>(); };
  return {.first = value(0), .spike = value(1), .ordinary = value(2), .delimiter = value(3)};
}

}  // namespace

HookScope SelfAttention::attach(Transformer& model, RunContext& context) {
  const auto& config = model->config();
  sums_ = torch::zeros({kGroups, config.n_layers, config.n_heads}, torch::kDouble);
  tokens_ = torch::zeros({kGroups}, torch::kLong);
  layers_run_.clear();
  return detail::watch_scores(
      model, [this, &context](const detail::LayerScores& scores) { add(scores, context.batch()); });
}

// [groups, B, T] bool.
torch::Tensor SelfAttention::groups_of(const TokenBatch& batch) const {
  const auto spikes = spike_positions_.mask(batch);
  auto first = torch::zeros_like(spikes);
  first.select(1, 0).fill_(true);
  const auto delimiters =
      at::isin(batch.ids.cpu(), torch::tensor(options_.delimiters, torch::kLong));
  return at::stack({first, spikes & ~first, ~spikes & ~first, delimiters & ~first});
}

void SelfAttention::add(const detail::LayerScores& scores, const TokenBatch& batch) {
  const auto groups = groups_of(batch);
  detail::add_layer(layers_run_, scores.layer);
  if (scores.is_first) tokens_ += groups.sum({1, 2});
  const auto self_attention =
      detail::attention_to_self(scores.q, scores.k, scores.lse, scores.rule);  // [B, H, T]
  // `where` instead of a product: NaN * 0 would put a NaN into every group.
  sums_.select(1, scores.layer) += at::where(groups.unsqueeze(2), self_attention, 0.0).sum({1, 3});
}

void SelfAttention::merge(const SelfAttention& other) {
  detail::expect_same("SelfAttention", "groups, layers and heads", other.sums_.sizes().vec(),
                      sums_.sizes().vec());
  detail::expect_same("SelfAttention", "delimiters", other.options_.delimiters,
                      options_.delimiters);
  // Not in-place: copies of a measurement share its tensors.
  sums_ = sums_ + other.sums_;
  tokens_ = tokens_ + other.tokens_;
  for (const int64_t layer : other.layers_run_) detail::add_layer(layers_run_, layer);
}

SelfAttentionResult SelfAttention::result() const {
  SelfAttentionResult result{options_};
  if (!sums_.defined()) return result;
  result.tokens = of_groups<int64_t>(tokens_);
  const auto means = sums_ / tokens_.view({kGroups, 1, 1});
  for (const int64_t layer : layers_run_) {
    for (int64_t head = 0; head < means.size(2); ++head)
      result.heads.push_back(
          {layer, head, of_groups<double>(means.select(1, layer).select(1, head))});
  }
  return result;
}

template class Mergeable<SelfAttention>;

}  // namespace spikesink
