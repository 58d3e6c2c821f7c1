#include "spikesink/measure/spikes/spike_tokens.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/core/sort_by.h"
#include "measure/spikes/massive_tokens.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

void keep_first(std::vector<TokenPosition>& positions, int64_t count) {
  if (static_cast<int64_t>(positions.size()) <= count) return;
  std::nth_element(positions.begin(), positions.begin() + count, positions.end());
  positions.resize(count);
}

void add_counts(const VocabularySpikeCounts& theirs, VocabularySpikeCounts& ours) {
  ours.spiking += theirs.spiking;
  ours.seen += theirs.seen;
  ours.spiking_first += theirs.spiking_first;
  ours.seen_first += theirs.seen_first;
  ours.largest = std::max(ours.largest, theirs.largest);
}

}  // namespace

HookScope SpikeTokens::attach(Transformer& model, RunContext& context) {
  const auto& config = model->config();
  blocks_.clear();
  blocks_.resize(2 * config.n_layers);
  positions_.clear();
  position_count_ = 0;
  by_token_.assign(config.d_vocabulary, {});
  by_position_.clear();
  is_spike_token_.clear();
  HookScope scope;
  scope +=
      model->hooks().add(hook_names::layer_hook_name(0, hook_names::kResidPre),
                         [this, &context](const torch::Tensor&) { count_tokens(context.batch()); });
  for (size_t index = 0; index < blocks_.size(); ++index) {
    const Block block{static_cast<int64_t>(index) + 1};
    scope += model->hooks().add(model->hidden_state_hook_name(block),
                                [this, index, &context](const torch::Tensor& state) {
                                  add(blocks_[index], context.scan(state), context.batch());
                                  if (index + 1 == blocks_.size())
                                    is_spike_token_.erase(context.batch());
                                });
  }
  return scope;
}

void SpikeTokens::count_tokens(const TokenBatch& batch) {
  if (static_cast<int64_t>(positions_.size()) > 2 * options_.max_token_positions)
    keep_first(positions_, options_.max_token_positions);
  const auto ids = batch.ids.contiguous();
  const auto* id = ids.data_ptr<int64_t>();
  const int64_t sequences = ids.size(0), length = ids.size(1);
  is_spike_token_.insert(batch, std::vector<bool>(sequences * length));
  if (static_cast<int64_t>(by_position_.size()) < length) by_position_.resize(length);
  for (int64_t position = 0; position < length; ++position)
    by_position_[position].seen += sequences;
  for (int64_t token = 0; token < sequences * length; ++token) {
    ++by_token_[id[token]].seen;
    if (token % length == 0) ++by_token_[id[token]].seen_first;
  }
}

void SpikeTokens::add(Tally& tally, const StateScan& scan, const TokenBatch& batch) {
  detail::for_each_massive_token(
      scan, options_.massive, [&](int64_t sequence, int64_t position, const auto& values) {
        tally.add(values, options_.paired);
        add_spike_token(batch, sequence, position,
                        scan.token_max[sequence * scan.length() + position]);
      });
}

void SpikeTokens::add_spike_token(const TokenBatch& batch, int64_t sequence, int64_t position,
                                  double largest) {
  auto& token = by_token_[batch.ids.accessor<int64_t, 2>()[sequence][position]];
  token.largest = std::max(token.largest, largest);
  auto is_marked = is_spike_token_.at(batch)[sequence * batch.ids.size(1) + position];
  if (is_marked) return;
  is_marked = true;
  if (position >= batch.prefix_length) {
    positions_.push_back({batch.first_sequence + sequence, position - batch.prefix_length});
    ++position_count_;
  }
  ++by_position_[position].spiking;
  ++token.spiking;
  if (position == 0) ++token.spiking_first;
}

void SpikeTokens::Tally::add(std::vector<std::pair<int64_t, double>> values, int64_t paired) {
  ++tokens;
  for (const auto& [channel, value] : values) channels[channel].add(value);
  detail::sort_by(values, [](const auto& value) { return std::abs(value.second); });
  values.resize(std::min<size_t>(values.size(), paired));
  std::sort(values.begin(), values.end());
  for (size_t second = 1; second < values.size(); ++second) {
    for (size_t first = 0; first < second; ++first) {
      auto& ratios = pairs[{values[first].first, values[second].first}];
      ratios.second_over_first.add(values[second].second / values[first].second);
      ratios.first_over_second.add(values[first].second / values[second].second);
    }
  }
}

void SpikeTokens::Tally::merge(const Tally& other) {
  tokens += other.tokens;
  for (const auto& [channel, value] : other.channels) channels[channel].merge(value);
  for (const auto& [pair, theirs] : other.pairs) {
    auto& ours = pairs[pair];
    ours.second_over_first.merge(theirs.second_over_first);
    ours.first_over_second.merge(theirs.first_over_second);
  }
}

SpikeState SpikeTokens::Tally::state(Block block) const {
  SpikeState state{block, tokens, {}, {}};
  FlatMap<int64_t, double> means;
  for (const auto& [channel, value] : channels) {
    state.channels.push_back({channel, value});
    means[channel] = std::abs(value.mean);
  }
  for (const auto& [pair, ratios] : pairs) {
    const auto [first, second] = pair;
    if (means[second] > means[first]) {
      state.pairs.push_back({first, second, ratios.first_over_second});
    } else {
      state.pairs.push_back({second, first, ratios.second_over_first});
    }
  }
  detail::sort_by(state.channels, [](const auto& channel) { return channel.value.count; });
  detail::sort_by(state.pairs, [](const auto& pair) { return pair.ratio.count; });
  return state;
}

void SpikeTokens::merge(const SpikeTokens& other) {
  detail::expect_same("SpikeTokens", "blocks", other.blocks_.size(), blocks_.size());
  detail::expect_same("SpikeTokens", "vocabulary", other.by_token_.size(), by_token_.size());
  detail::expect_same("SpikeTokens", "paired", other.options_.paired, options_.paired);
  detail::expect_same_thresholds("SpikeTokens", other.options_.massive, options_.massive);
  for (size_t index = 0; index < blocks_.size(); ++index)
    blocks_[index].merge(other.blocks_[index]);
  positions_.insert(positions_.end(), other.positions_.begin(), other.positions_.end());
  position_count_ += other.position_count_;
  for (size_t id = 0; id < by_token_.size(); ++id) add_counts(other.by_token_[id], by_token_[id]);
  by_position_.resize(std::max(by_position_.size(), other.by_position_.size()));
  for (size_t position = 0; position < other.by_position_.size(); ++position) {
    by_position_[position].spiking += other.by_position_[position].spiking;
    by_position_[position].seen += other.by_position_[position].seen;
  }
}

SpikeTokensResult SpikeTokens::result() const {
  SpikeTokensResult result{options_};
  for (size_t index = 0; index < blocks_.size(); ++index)
    result.states.push_back(blocks_[index].state(Block{static_cast<int64_t>(index) + 1}));
  for (size_t id = 0; id < by_token_.size(); ++id) {
    if (by_token_[id].seen == 0) continue;
    result.by_token.push_back(by_token_[id]);
    result.by_token.back().id = static_cast<int64_t>(id);
    result.spiking += by_token_[id].spiking;
    result.tokens += by_token_[id].seen;
  }
  detail::sort_by(result.by_token, [](const auto& token) { return token.spiking; });
  if (!by_position_.empty()) result.sequences = by_position_.front().seen;
  for (size_t position = 0; position < by_position_.size(); ++position) {
    if (by_position_[position].spiking == 0) continue;
    result.by_position.push_back(by_position_[position]);
    result.by_position.back().position = static_cast<int64_t>(position);
  }
  auto positions = positions_;
  keep_first(positions, options_.max_token_positions);
  result.spike_positions =
      SpikePositions(std::move(positions), position_count_ <= options_.max_token_positions);
  return result;
}

template class Mergeable<SpikeTokens>;

}  // namespace spikesink
