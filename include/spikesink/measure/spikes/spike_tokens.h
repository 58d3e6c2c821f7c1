#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/measure/core/per_batch.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

struct SpikeTokensOptions {
  MassiveActivationsOptions massive;        // what a massive value is
  int64_t max_token_positions = 1'000'000;  // places beyond these are counted, but not kept
  int64_t paired = 4;  // channels of a token that are paired: its largest massive ones
};

/// The massive values of one channel in one state.
struct SpikeChannel {
  int64_t channel = 0;
  RunningMean value;  // signed; its count is that of tokens
};

/// The spike tokens of one state. A channel that spikes with another in every token, at a nearly
/// fixed ratio, has `ratio.count` near `tokens` and a small deviation (the paper's properties iii
/// and iv).
struct SpikeState {
  Block block;                         // the state after it
  int64_t tokens = 0;                  // with a massive value
  std::vector<SpikeChannel> channels;  // most frequent first
  /// Of each two channels that were among the `paired` largest massive ones of a token: the value
  /// over that of the reference, the one whose `SpikeChannel` has the mean of larger magnitude.
  /// Most frequent first.
  std::vector<ChannelRatio> pairs;
};

/// What one entry of the vocabulary did.
struct VocabularySpikeCounts {
  int64_t id = 0;
  int64_t spiking = 0;        // times that it was a spike token ...
  int64_t seen = 0;           // ... of all its times in the text
  int64_t spiking_first = 0;  // the same at position 0 alone
  int64_t seen_first = 0;
  double largest = 0;  // massive |h| in any state; 0 where it never spiked
};

struct PositionSpikeCounts {
  int64_t position = 0;
  int64_t spiking = 0;
  int64_t seen = 0;  // sequences long enough to have it
};

struct SpikeTokensResult {
  SpikeTokensOptions options;
  SpikePositions spike_positions;  // of the text, which a prefix may precede
  int64_t spiking = 0;             // spike tokens, those beyond `max_token_positions` included
  int64_t tokens = 0;              // of the text
  std::vector<SpikeState> states;  // after each block, in order
  std::vector<VocabularySpikeCounts> by_token;   // every id seen, most spiking first
  int64_t sequences = 0;                         // of the text
  std::vector<PositionSpikeCounts> by_position;  // where some token spikes, in order
};

/// Which tokens spike. A *spike token* is massive in the hidden state after some block: max |h| >
/// 100 and >= 1000 times the median of |h| over its sequence's state (`MassiveActivations`' rule,
/// Sun et al., arXiv 2402.17762). The list of places is the one state that grows with the text, by
/// spike tokens, not by tokens; beyond `max_token_positions` it keeps the first ones of the text.
/// The rest is bounded by the vocabulary, the context and the channels that spike.
class SpikeTokens : public Mergeable<SpikeTokens> {
 public:
  explicit SpikeTokens(SpikeTokensOptions options = {}) : options_(options) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured a model of another depth or vocabulary,
  /// or by other options.
  void merge(const SpikeTokens& other);
  SpikeTokensResult result() const;

 private:
  friend class Mergeable<SpikeTokens>;
  auto fields() { return std::tie(blocks_, positions_, position_count_, by_token_, by_position_); }

  // Which of the two is the reference is known at the end.
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

  void enter(const TokenBatch& batch);
  void add(Tally& tally, const StateScan& scan, const TokenBatch& batch);
  void mark(const TokenBatch& batch, int64_t sequence, int64_t position, double largest);

  SpikeTokensOptions options_;
  std::vector<Tally> blocks_;                    // block 1 first
  std::vector<TokenPosition> positions_;         // unsorted
  int64_t position_count_ = 0;                   // of all, kept or not
  std::vector<VocabularySpikeCounts> by_token_;  // [d_vocabulary]
  std::vector<PositionSpikeCounts> by_position_;
  PerBatch<std::vector<bool>> marked_;  // [B * T], spike tokens
};

}  // namespace spikesink
