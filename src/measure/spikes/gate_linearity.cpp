#include "spikesink/measure/spikes/gate_linearity.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/spikes/activation_linearity.h"
#include "measure/spikes/token_sample.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

void merge_groups(GateTokenGroup& ours, const GateTokenGroup& theirs, int64_t max_samples) {
  ours.cosine.merge(theirs.cosine);
  ours.ratio.merge(theirs.ratio);
  detail::merge_samples(ours.sample, theirs.sample, max_samples);
}

// Returns max |x| over channels of each row of `output`: [B * T], on the CPU.
std::vector<double> largest_magnitudes(const torch::Tensor& output) {
  const auto largest =
      at::maximum(output.amax(-1), -output.amin(-1)).to(torch::kCPU, torch::kDouble).contiguous();
  const auto* values = largest.data_ptr<double>();
  return {values, values + largest.numel()};
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
                                [this](const torch::Tensor& output) { compare_input(output); });
    scope += model->hooks().add(block.block.output_hook_name(),
                                [this, &block, &context](const torch::Tensor& output) {
                                  add(block, context.batch(), output);
                                });
  }
  return scope;
}

void GateLinearity::compare_input(const torch::Tensor& output) {
  tokens_.clear();
  for (const auto& [cosine, ratio] : detail::activation_linearity(input_, output))
    tokens_.push_back({.cosine = cosine, .ratio = ratio});
  input_.reset();
}

void GateLinearity::add(GateLinearityBlock& block, const TokenBatch& batch,
                        const torch::Tensor& block_output) {
  const auto mask = spike_positions_.mask(batch);
  const auto* spikes = mask.data_ptr<bool>();
  const auto largest = largest_magnitudes(block_output);
  const int64_t length = batch.ids.size(1);
  for (size_t index = 0; index < tokens_.size(); ++index) {
    auto& token = tokens_[index];
    if (std::isnan(token.cosine)) continue;
    auto& group = spikes[index] ? block.spike : block.ordinary;
    group.cosine.add(token.cosine);
    group.ratio.add(token.ratio);
    const auto row = static_cast<int64_t>(index);
    if (row % length < batch.prefix_length) continue;
    token.token = {batch.first_sequence + row / length, row % length - batch.prefix_length};
    token.largest_output = largest[index];
    detail::add_to_sample(
        group.sample, token,
        spikes[index] ? options_.max_spike_samples : options_.max_ordinary_samples);
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
    for (auto* group : {&block.spike, &block.ordinary}) detail::sort_by_position(group->sample);
  }
  return result;
}

template class Mergeable<GateLinearity>;

}  // namespace spikesink
