#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/measure/core/per_batch.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

struct SpikeTokensOptions {
  MassiveActivationsOptions massive;  // definition of a massive value
  /// Maximum number of stored positions. Further ones are only counted.
  int64_t max_token_positions = 1'000'000;
  int64_t paired = 4;  // number of largest massive channels of a token that are paired
};

/// The massive values of one channel in one hidden state.
struct SpikeChannel {
  int64_t channel = 0;
  RunningMean value;  // signed; `count` is the number of tokens
};

/// The spike tokens of one hidden state. If two channels are always massive in the same tokens,
/// `pairs[i].ratio.count` is near `tokens`. If their ratio is nearly constant, its standard
/// deviation is small (properties iii and iv of arXiv 2603.05498).
struct SpikeState {
  Block block;                         // the hidden state after this block
  int64_t tokens = 0;                  // tokens with a massive value
  std::vector<SpikeChannel> channels;  // most frequent first
  /// For each token, every two of its `paired` largest massive channels form a pair. ratio = value
  /// of `channel` / value of `reference`. The reference is the channel with the larger |mean| in
  /// `channels`. Most frequent first.
  std::vector<ChannelRatio> pairs;
};

/// Spike counts of one vocabulary entry.
struct VocabularySpikeCounts {
  int64_t id = 0;
  int64_t spiking = 0;        // occurrences that are spike tokens
  int64_t seen = 0;           // all occurrences in the text
  int64_t spiking_first = 0;  // occurrences at position 0 that are spike tokens
  int64_t seen_first = 0;     // all occurrences at position 0
  double largest = 0;         // largest massive |h| in any hidden state; 0 if it never spikes
};

struct PositionSpikeCounts {
  int64_t position = 0;
  int64_t spiking = 0;
  int64_t seen = 0;  // sequences that contain the position
};

struct SpikeTokensResult {
  SpikeTokensOptions options;
  SpikePositions spike_positions;  // positions in the text, without the prefix of a batch
  int64_t spiking = 0;             // all spike tokens, also those beyond `max_token_positions`
  int64_t tokens = 0;              // in the text
  std::vector<SpikeState> states;  // after each block, in order
  std::vector<VocabularySpikeCounts> by_token;   // every id seen, most spiking first
  int64_t sequences = 0;                         // in the text
  std::vector<PositionSpikeCounts> by_position;  // positions with a spike token, in order
};

/// Finds the spike tokens. A *spike token* is massive in the hidden state after at least one block:
/// max |h| > 100 and >= 1000 times the median of |h| in the hidden state of its sequence (the rule
/// of `MassiveActivations`, Sun et al., arXiv 2402.17762). Memory grows only with the number of
/// spike tokens, up to `max_token_positions` (the first ones of the text are stored). Everything
/// else is bounded by the vocabulary size, the context length and the number of spike channels.
class SpikeTokens : public Mergeable<SpikeTokens> {
 public:
  explicit SpikeTokens(SpikeTokensOptions options = {}) : options_(options) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the models have different numbers of layers or vocabulary
  /// sizes, or if the options differ.
  void merge(const SpikeTokens& other);
  SpikeTokensResult result() const;

 private:
  friend class Mergeable<SpikeTokens>;
  auto fields() { return std::tie(blocks_, positions_, position_count_, by_token_, by_position_); }

  // Both ratios are stored, because the reference is known only at the end.
  struct Ratios {
    RunningMean second_over_first, first_over_second;
  };
  struct Tally {
    int64_t tokens = 0;
    FlatMap<int64_t, RunningMean> channels;
    FlatMap<std::pair<int64_t, int64_t>, Ratios> pairs;  // (first, second), first < second

    auto fields() { return std::tie(tokens, channels, pairs); }
    void add(std::vector<std::pair<int64_t, double>> values, int64_t paired);
    void merge(const Tally& other);
    SpikeState state(Block block) const;
  };

  void count_tokens(const TokenBatch& batch);
  void add(Tally& tally, const StateScan& scan, const TokenBatch& batch);
  void add_spike_token(const TokenBatch& batch, int64_t sequence, int64_t position, double largest);

  SpikeTokensOptions options_;
  std::vector<Tally> blocks_;                    // block 1 first
  std::vector<TokenPosition> positions_;         // unsorted
  int64_t position_count_ = 0;                   // all spike tokens, stored or not
  std::vector<VocabularySpikeCounts> by_token_;  // [d_vocabulary]
  std::vector<PositionSpikeCounts> by_position_;
  PerBatch<std::vector<bool>> is_spike_token_;  // [B * T], spike tokens
};

}  // namespace spikesink
