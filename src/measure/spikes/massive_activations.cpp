#include "spikesink/measure/spikes/massive_activations.h"

#include <algorithm>
#include <cmath>

#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/core/sort_by.h"
#include "measure/spikes/massive_tokens.h"

namespace spikesink {

void MassiveChannel::add(double value, int64_t position) {
  all.add(value);
  (position == 0 ? at_start : elsewhere).add(value);
  largest = std::max(largest, std::abs(value));
}

void MassiveChannel::merge(const MassiveChannel& other) {
  channel = other.channel;
  all.merge(other.all);
  at_start.merge(other.at_start);
  elsewhere.merge(other.elsewhere);
  largest = std::max(largest, other.largest);
}

HookScope MassiveActivations::attach(Transformer& model, RunContext& context) {
  blocks_.clear();
  blocks_.resize(2 * model->config().n_layers);
  HookScope scope;
  for (size_t index = 0; index < blocks_.size(); ++index) {
    const Block block{static_cast<int64_t>(index) + 1};
    scope += model->hooks().add(model->hidden_state_hook_name(block),
                                [this, index, &context](const torch::Tensor& state) {
                                  add(blocks_[index], context.scan(state), context.batch().ids);
                                });
  }
  return scope;
}

void MassiveActivations::add(Tally& tally, const StateScan& scan, const torch::Tensor& ids) const {
  const auto whole = ids.contiguous();
  const auto* id = whole.data_ptr<int64_t>();
  detail::for_each_massive_token(
      scan, options_, [&](int64_t sequence, int64_t position, const auto& values) {
        tally.add(id[sequence * scan.length() + position], position, values);
      });
}

void MassiveActivations::Tally::add(int64_t id, int64_t position,
                                    const std::vector<std::pair<int64_t, double>>& values) {
  const auto smaller = [](const auto& a, const auto& b) {
    return std::abs(a.second) < std::abs(b.second);
  };
  const auto [reference, reference_value] =
      *std::max_element(values.begin(), values.end(), smaller);
  for (const auto& [channel, value] : values) {
    auto& entry = channels[channel];
    entry.channel = channel;
    entry.add(value, position);
    if (channel != reference) ratios[{channel, reference}].add(value / reference_value);
  }
  ++tokens[{id, position == 0}];
  ++positions[position];
  ++token_count;
}

void MassiveActivations::Tally::merge(const Tally& other) {
  for (const auto& [channel, theirs] : other.channels) channels[channel].merge(theirs);
  for (const auto& [token, count] : other.tokens) tokens[token] += count;
  for (const auto& [position, count] : other.positions) positions[position] += count;
  for (const auto& [pair, ratio] : other.ratios) ratios[pair].merge(ratio);
  token_count += other.token_count;
}

void MassiveActivations::merge(const MassiveActivations& other) {
  detail::expect_same("MassiveActivations", "blocks", other.blocks_.size(), blocks_.size());
  detail::expect_same_thresholds("MassiveActivations", other.options_, options_);
  for (size_t index = 0; index < blocks_.size(); ++index)
    blocks_[index].merge(other.blocks_[index]);
}

MassiveActivationsResult MassiveActivations::result() const {
  MassiveActivationsResult result{options_, {}};
  for (size_t index = 0; index < blocks_.size(); ++index) {
    const auto& tally = blocks_[index];
    if (tally.token_count == 0) continue;
    MassiveActivationsBlock block{Block{static_cast<int64_t>(index) + 1}};
    for (const auto& [position, count] : tally.positions) block.positions[position] = count;
    block.token_count = tally.token_count;
    for (const auto& [channel, entry] : tally.channels) block.channels.push_back(entry);
    for (const auto& [token, count] : tally.tokens)
      block.tokens.push_back({token.first, token.second, count});
    for (const auto& [pair, ratio] : tally.ratios)
      block.ratios.push_back({pair.first, pair.second, ratio});
    detail::sort_by(block.channels, [](const auto& channel) { return channel.all.count; });
    detail::sort_by(block.tokens, [](const auto& token) { return token.count; });
    detail::sort_by(block.ratios, [](const auto& ratio) { return ratio.ratio.count; });
    result.blocks.push_back(std::move(block));
  }
  return result;
}

std::vector<int64_t> MassiveActivationsResult::channels() const {
  std::map<int64_t, double> largest;
  for (const auto& block : blocks) {
    for (const auto& channel : block.channels)
      largest[channel.channel] = std::max(largest[channel.channel], channel.largest);
  }
  std::vector<int64_t> channels;
  for (const auto& [channel, magnitude] : largest) channels.push_back(channel);
  detail::sort_by(channels, [&](int64_t channel) { return largest[channel]; });
  return channels;
}

template class Mergeable<MassiveActivations>;

}  // namespace spikesink
