#include "spikesink/measure/massive_activations.h"

#include <algorithm>
#include <cmath>

#include "detail/fail.h"

namespace spikesink {
namespace {

// Decides what is massive in one sequence. The histogram bounds the median; the exact median is
// taken only when a value falls between what the two bounds would say.
class Criterion {
 public:
  Criterion(const MassiveActivationsOptions& options, const StateScan& scan, int64_t sequence)
      : options_(options), scan_(scan), sequence_(sequence) {
    MagnitudeHistogram magnitudes;
    magnitudes.add(scan.counts_of(sequence), scan.at_edges());
    std::tie(low_, high_) = magnitudes.median_bounds();
  }

  bool holds(double magnitude) {
    if (!(magnitude > options_.least_magnitude) || !std::isfinite(magnitude) ||
        magnitude < options_.least_ratio * low_)
      return false;
    return magnitude >= options_.least_ratio * high_ ||
           magnitude >= options_.least_ratio * median();
  }

 private:
  double median() {
    if (median_ < 0) {
      const auto magnitudes = scan_.state[sequence_].to(torch::kFloat).abs();
      median_ = magnitudes.masked_select(magnitudes.isfinite()).median().item<double>();
    }
    return median_;
  }

  const MassiveActivationsOptions& options_;
  const StateScan& scan_;
  int64_t sequence_;
  double low_ = 0, high_ = 0;
  double median_ = -1;  // not yet taken
};

template <typename T, typename Key>
void sort_by(std::vector<T>& items, Key key) {
  std::stable_sort(items.begin(), items.end(),
                   [&](const T& a, const T& b) { return key(a) > key(b); });
}

}  // namespace

HookScope MassiveActivations::begin(Transformer& model, RunContext& context) {
  blocks_.clear();
  blocks_.resize(2 * model->config().n_layers);
  HookScope scope;
  for (size_t index = 0; index < blocks_.size(); ++index) {
    const Block block{static_cast<int64_t>(index) + 1};
    scope += model->hooks().add(model->hidden_state_point(block),
                                [this, index, &context](const torch::Tensor& state) {
                                  add(blocks_[index], context.scan(state), context.batch().ids);
                                });
  }
  return scope;
}

void MassiveActivations::add(Tally& tally, const StateScan& scan, const torch::Tensor& ids) const {
  const auto whole = ids.contiguous();
  const auto* id = whole.data_ptr<int64_t>();
  for (int64_t sequence = 0; sequence < scan.sequences(); ++sequence) {
    const auto* token_max = scan.token_max.data() + sequence * scan.length();
    if (*std::max_element(token_max, token_max + scan.length()) <= options_.least_magnitude)
      continue;
    Criterion criterion(options_, scan, sequence);
    for (int64_t position = 0; position < scan.length(); ++position) {
      if (!criterion.holds(token_max[position])) continue;
      std::vector<std::pair<int64_t, double>> values;  // channel, signed value
      for (int64_t channel = 0; channel < scan.channels(); ++channel) {
        const double value = scan.value(sequence, position, channel);
        if (criterion.holds(std::abs(value))) values.emplace_back(channel, value);
      }
      tally.add(id[sequence * scan.length() + position], position, values);
    }
  }
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
    entry.all.add(value);
    (position == 0 ? entry.at_start : entry.elsewhere).add(value);
    entry.largest = std::max(entry.largest, std::abs(value));
    if (channel != reference) ratios[{channel, reference}].add(value / reference_value);
  }
  ++tokens[{id, position == 0}];
  ++positions[position];
  ++token_count;
}

void MassiveActivations::Tally::merge(const Tally& other) {
  for (const auto& [channel, theirs] : other.channels) {
    auto& ours = channels[channel];
    ours.channel = channel;
    ours.all.merge(theirs.all);
    ours.at_start.merge(theirs.at_start);
    ours.elsewhere.merge(theirs.elsewhere);
    ours.largest = std::max(ours.largest, theirs.largest);
  }
  for (const auto& [token, count] : other.tokens) tokens[token] += count;
  for (const auto& [position, count] : other.positions) positions[position] += count;
  for (const auto& [pair, ratio] : other.ratios) ratios[pair].merge(ratio);
  token_count += other.token_count;
}

void MassiveActivations::merge(const MassiveActivations& other) {
  if (blocks_.size() != other.blocks_.size()) {
    detail::fail_argument("[MassiveActivations] cannot merge: got {} blocks, expected {}",
                          other.blocks_.size(), blocks_.size());
  }
  for (size_t index = 0; index < blocks_.size(); ++index)
    blocks_[index].merge(other.blocks_[index]);
}

MassiveActivationsResult MassiveActivations::result() const {
  MassiveActivationsResult result;
  for (size_t index = 0; index < blocks_.size(); ++index) {
    const auto& tally = blocks_[index];
    if (tally.token_count == 0) continue;
    MassiveBlock block{Block{static_cast<int64_t>(index) + 1}};
    for (const auto& [position, count] : tally.positions) block.positions[position] = count;
    block.token_count = tally.token_count;
    for (const auto& [channel, entry] : tally.channels) block.channels.push_back(entry);
    for (const auto& [token, count] : tally.tokens)
      block.tokens.push_back({token.first, token.second, count});
    for (const auto& [pair, ratio] : tally.ratios)
      block.ratios.push_back({pair.first, pair.second, ratio});
    sort_by(block.channels, [](const auto& channel) { return channel.all.count; });
    sort_by(block.tokens, [](const auto& token) { return token.count; });
    sort_by(block.ratios, [](const auto& ratio) { return ratio.ratio.count; });
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
  sort_by(channels, [&](int64_t channel) { return largest[channel]; });
  return channels;
}

}  // namespace spikesink
