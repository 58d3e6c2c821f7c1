#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

/// ||h||_2 of the tokens of one hidden state. Tokens with a non-finite norm are skipped.
struct HiddenStateNorms {
  Block block{0};
  RunningMean spike;     // spike tokens
  RunningMean ordinary;  // other tokens

  auto fields() { return std::tie(block, spike, ordinary); }
};

struct StateNormsResult {
  std::vector<HiddenStateNorms> blocks;  // the hidden state after each block, in order
};

/// Measures the L2 norm over channels of the hidden state after each block, separately for spike
/// tokens and other tokens. RMSNorm divides each token by (L2 norm / sqrt(d_model)). So a large L2
/// norm means that the other channels become small after the next norm. Memory: two means per
/// block.
class StateNorms : public Mergeable<StateNorms> {
 public:
  /// `spike_positions`: the spike tokens of the text that will be measured (`SpikeTokens` finds
  /// them).
  explicit StateNorms(SpikePositions spike_positions)
      : spike_positions_(std::move(spike_positions)) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the models have different numbers of layers.
  void merge(const StateNorms& other);
  StateNormsResult result() const { return {blocks_}; }

 private:
  friend class Mergeable<StateNorms>;
  auto fields() { return std::tie(blocks_); }

  SpikePositions spike_positions_;
  std::vector<HiddenStateNorms> blocks_;
};

}  // namespace spikesink
