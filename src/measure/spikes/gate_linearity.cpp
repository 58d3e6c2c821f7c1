#include "spikesink/measure/spikes/gate_linearity.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/spikes/activation_linearity.h"
#include "measure/spikes/position_hash.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

bool has_smaller_hash(const GateSample& a, const GateSample& b) {
  return std::tuple(detail::hash_of(a.token), a.token) <
         std::tuple(detail::hash_of(b.token), b.token);
}

bool is_earlier(const GateSample& a, const GateSample& b) {
  return a.token < b.token;
}

// Adds a sample. `sample` is sorted by hash and keeps the `max_samples` smallest hashes.
void add_sample(GateTokenGroup& group, const GateSample& point, int64_t max_samples) {
  auto& sample = group.sample;
  const bool is_full = static_cast<int64_t>(sample.size()) >= max_samples;
  if (is_full && (max_samples == 0 || !has_smaller_hash(point, sample.back()))) return;
  sample.insert(std::upper_bound(sample.begin(), sample.end(), point, has_smaller_hash), point);
  if (is_full) sample.pop_back();
}

void merge_groups(GateTokenGroup& ours, const GateTokenGroup& theirs, int64_t max_samples) {
  ours.cosine.merge(theirs.cosine);
  ours.ratio.merge(theirs.ratio);
  for (const auto& point : theirs.sample) add_sample(ours, point, max_samples);
}

std::string mlp_point(const Block& block, std::string_view point) {
  return layer_hook_name(block.layer(), "mlp." + std::string(point));
}

}  // namespace

HookScope GateLinearity::attach(Transformer& model, RunContext& context) {
  blocks_.clear();
  for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
    const auto& mlp = model->layers[layer]->mlp;
    if (mlp && mlp->gate) blocks_.push_back({Block::of(layer, BlockKind::kFeedForward), {}, {}});
  }
  HookScope scope;
  for (auto& block : blocks_) {
    scope += model->hooks().add(mlp_point(block.block, kMlpPre),
                                [this](const torch::Tensor& input) { input_ = input; });
    scope += model->hooks().add(mlp_point(block.block, kMlpAct),
                                [this, &block, &context](const torch::Tensor& output) {
                                  add(block, context.batch(), output);
                                });
  }
  return scope;
}

void GateLinearity::add(GateLinearityBlock& block, const TokenBatch& batch,
                        const torch::Tensor& output) {
  const auto tokens = detail::activation_linearity(input_, output);
  input_.reset();
  const auto mask = spike_positions_.mask(batch);
  const auto* spikes = mask.data_ptr<bool>();
  const int64_t length = batch.ids.size(1);
  for (size_t token = 0; token < tokens.size(); ++token) {
    const auto& [cosine, ratio] = tokens[token];
    if (std::isnan(cosine)) continue;
    auto& group = spikes[token] ? block.spike : block.ordinary;
    group.cosine.add(cosine);
    group.ratio.add(ratio);
    const auto index = static_cast<int64_t>(token);
    if (index % length < batch.prefix_length) continue;
    const TokenPosition position{batch.first_sequence + index / length,
                                 index % length - batch.prefix_length};
    add_sample(group, {position, cosine, ratio},
               spikes[token] ? options_.max_spike_samples : options_.max_ordinary_samples);
  }
}

void GateLinearity::merge(const GateLinearity& other) {
  detail::expect_same("GateLinearity", "max_spike_samples", other.options_.max_spike_samples,
                      options_.max_spike_samples);
  detail::expect_same("GateLinearity", "max_ordinary_samples", other.options_.max_ordinary_samples,
                      options_.max_ordinary_samples);
  const auto same = [](const auto& a, const auto& b) { return a.block.number == b.block.number; };
  if (!std::equal(blocks_.begin(), blocks_.end(), other.blocks_.begin(), other.blocks_.end(),
                  same)) {
    detail::fail_argument("[GateLinearity] cannot merge: got {} blocks, expected the same {}",
                          other.blocks_.size(), blocks_.size());
  }
  for (size_t index = 0; index < blocks_.size(); ++index) {
    merge_groups(blocks_[index].spike, other.blocks_[index].spike, options_.max_spike_samples);
    merge_groups(blocks_[index].ordinary, other.blocks_[index].ordinary,
                 options_.max_ordinary_samples);
  }
}

GateLinearityResult GateLinearity::result() const {
  GateLinearityResult result{options_, blocks_};
  for (auto& block : result.blocks) {
    for (auto* group : {&block.spike, &block.ordinary})
      std::sort(group->sample.begin(), group->sample.end(), is_earlier);
  }
  return result;
}

template class Mergeable<GateLinearity>;

}  // namespace spikesink
