#include "spikesink/measure/spikes/first_massive.h"

#include "measure/core/sort_by.h"
#include "measure/core/state_bytes.h"
#include "measure/spikes/massive_tokens.h"

namespace spikesink {

HookScope FirstMassive::begin(Transformer& model, RunContext& context) {
  layers_.clear();
  places_.clear();
  first_.clear();
  const int64_t layers = model->config().n_layers;
  HookScope scope;
  for (int64_t layer = 0; layer < layers; ++layer) {
    scope +=
        model->hooks().add(model->hidden_state_point(Block::of(layer, BlockKind::kFeedForward)),
                           [this, layer, layers, &context](const torch::Tensor& state) {
                             const auto& batch = context.batch();
                             if (layer == 0)
                               first_.begin(batch, std::vector<int64_t>(state.size(0), -1));
                             add(layer, context.scan(state), batch);
                             if (layer == layers - 1) first_.end(batch);
                           });
  }
  return scope;
}

void FirstMassive::add(int64_t layer, const StateScan& scan, const TokenBatch& batch) {
  auto& first = first_.of(batch);
  detail::for_each_massive_token(
      scan, options_, [&](int64_t sequence, int64_t position, const auto& values) {
        if (first[sequence] < 0) {
          first[sequence] = layer;
          ++layers_[layer].sequences;
        }
        if (first[sequence] != layer) return;
        if (position >= batch.prefix)
          places_.push_back({batch.first_sequence + sequence, position - batch.prefix});
        for (const auto& [channel, value] : values) {
          auto& entry = layers_[layer].channels[channel];
          entry.channel = channel;
          entry.add(value, position);
        }
      });
}

void FirstMassive::merge(const FirstMassive& other) {
  detail::expect_same_thresholds("FirstMassive", other.options_, options_);
  for (const auto& [layer, theirs] : other.layers_) {
    auto& ours = layers_[layer];
    ours.sequences += theirs.sequences;
    for (const auto& [channel, entry] : theirs.channels) ours.channels[channel].merge(entry);
  }
  places_.insert(places_.end(), other.places_.begin(), other.places_.end());
}

FirstMassiveResult FirstMassive::result() const {
  FirstMassiveResult result{options_};
  for (const auto& [layer, tally] : layers_) {
    FirstMassiveLayer entry{.layer = layer, .sequences = tally.sequences};
    for (const auto& [channel, values] : tally.channels) entry.channels.push_back(values);
    detail::sort_by(entry.channels, [](const auto& channel) { return channel.all.count; });
    result.layers.push_back(std::move(entry));
  }
  result.places = SpikePlaces(places_);
  return result;
}

template class Mergeable<FirstMassive>;

}  // namespace spikesink
