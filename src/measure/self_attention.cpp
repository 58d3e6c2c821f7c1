#include "spikesink/measure/self_attention.h"

#include "detail/fail.h"
#include "measure/attention_received.h"
#include "measure/mergeable.h"
#include "measure/watch_scores.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

constexpr int64_t kGroups = 4;  // as OfTokenGroups

template <typename T>
OfTokenGroups<T> of_groups(const torch::Tensor& values) {
  const auto value = [&](int64_t group) { return values[group].item<T>(); };
  return {.first = value(0), .spike = value(1), .ordinary = value(2), .watched = value(3)};
}

}  // namespace

HookScope SelfAttention::begin(Transformer& model, RunContext& context) {
  const auto& config = model->config();
  sums_ = torch::zeros({kGroups, config.n_layers, config.n_heads}, torch::kDouble);
  tokens_ = torch::zeros({kGroups}, torch::kLong);
  return detail::watch_scores(
      model, [this, &context](const detail::LayerScores& scores) { add(scores, context.batch()); });
}

// [groups, B, T] bool.
torch::Tensor SelfAttention::groups_of(const TokenBatch& batch) const {
  const auto spikes = places_.mask(batch);
  auto first = torch::zeros_like(spikes);
  first.select(1, 0).fill_(true);
  const auto watched = at::isin(batch.ids.cpu(), torch::tensor(options_.watched, torch::kLong));
  return at::stack({first, spikes & ~first, ~spikes & ~first, watched & ~first});
}

void SelfAttention::add(const detail::LayerScores& scores, const TokenBatch& batch) {
  const auto groups = groups_of(batch);
  if (scores.layer == 0) tokens_ += groups.sum({1, 2});
  const auto kept =
      detail::attention_to_self(scores.q, scores.k, scores.lse, scores.rule);  // [B, H, T]
  // Chosen, not multiplied by zero: a value that is not finite stays in its group.
  sums_.select(1, scores.layer) += at::where(groups.unsqueeze(2), kept, 0.0).sum({1, 3});
}

void SelfAttention::merge(const SelfAttention& other) {
  if (!sums_.sizes().equals(other.sums_.sizes())) {
    detail::fail_argument(
        "[SelfAttention] cannot merge: got groups, layers and heads {}, expected {}",
        c10::str(other.sums_.sizes()), c10::str(sums_.sizes()));
  }
  sums_ += other.sums_;
  tokens_ += other.tokens_;
}

SelfAttentionResult SelfAttention::result() const {
  SelfAttentionResult result;
  if (!sums_.defined()) return result;
  result.tokens = of_groups<int64_t>(tokens_);
  const auto means = sums_ / tokens_.view({kGroups, 1, 1});
  for (int64_t layer = 0; layer < means.size(1); ++layer) {
    for (int64_t head = 0; head < means.size(2); ++head)
      result.heads.push_back(
          {layer, head, of_groups<double>(means.select(1, layer).select(1, head))});
  }
  return result;
}

template class Mergeable<SelfAttention>;

}  // namespace spikesink
