#include "spikesink/measure/spikes/massive_onset.h"

#include "measure/core/serialize.h"
#include "measure/core/sort_by.h"
#include "measure/spikes/massive_tokens.h"

namespace spikesink {

HookScope MassiveOnset::attach(Transformer& model, RunContext& context) {
  layers_.clear();
  positions_.clear();
  first_.clear();
  const int64_t layers = model->config().n_layers;
  HookScope scope;
  for (int64_t layer = 0; layer < layers; ++layer) {
    scope +=
        model->hooks().add(model->hidden_state_hook_name(Block::of(layer, BlockKind::kFeedForward)),
                           [this, layer, layers, &context](const torch::Tensor& state) {
                             const auto& batch = context.batch();
                             if (layer == 0)
                               first_.insert(batch, std::vector<int64_t>(state.size(0), -1));
                             add(layer, context.scan(state), batch);
                             if (layer == layers - 1) first_.erase(batch);
                           });
  }
  return scope;
}

void MassiveOnset::add(int64_t layer, const StateScan& scan, const TokenBatch& batch) {
  auto& first = first_.at(batch);
  detail::for_each_massive_token(
      scan, options_, [&](int64_t sequence, int64_t position, const auto& values) {
        if (first[sequence] < 0) {
          first[sequence] = layer;
          ++layers_[layer].sequences;
        }
        if (first[sequence] != layer) return;
        if (position >= batch.prefix_length)
          positions_.push_back({batch.first_sequence + sequence, position - batch.prefix_length});
        for (const auto& [channel, value] : values) {
          auto& entry = layers_[layer].channels[channel];
          entry.channel = channel;
          entry.add(value, position);
        }
      });
}

void MassiveOnset::merge(const MassiveOnset& other) {
  detail::expect_same_thresholds("MassiveOnset", other.options_, options_);
  for (const auto& [layer, theirs] : other.layers_) {
    auto& ours = layers_[layer];
    ours.sequences += theirs.sequences;
    for (const auto& [channel, entry] : theirs.channels) ours.channels[channel].merge(entry);
  }
  positions_.insert(positions_.end(), other.positions_.begin(), other.positions_.end());
}

MassiveOnsetResult MassiveOnset::result() const {
  MassiveOnsetResult result{options_};
  for (const auto& [layer, tally] : layers_) {
    MassiveOnsetLayer entry{.layer = layer, .sequences = tally.sequences};
    for (const auto& [channel, values] : tally.channels) entry.channels.push_back(values);
    detail::sort_by(entry.channels, [](const auto& channel) { return channel.all.count; });
    result.layers.push_back(std::move(entry));
  }
  result.spike_positions = SpikePositions(positions_);
  return result;
}

template class Mergeable<MassiveOnset>;

}  // namespace spikesink
