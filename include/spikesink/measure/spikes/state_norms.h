#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

/// ||h||_2 of the tokens of one hidden state; tokens whose norm is not finite are left out.
struct HiddenStateNorms {
  Block block{0};
  RunningMean spike;     // of spike tokens
  RunningMean ordinary;  // of the others

  auto fields() { return std::tie(block, spike, ordinary); }
};

struct StateNormsResult {
  std::vector<HiddenStateNorms> blocks;  // the hidden state after each block, in order
};

/// How long a token's hidden state is after each block: the L2 norm over channels, spike tokens
/// beside the others. A norm divides a token by this length over sqrt(d_model), so it says how much
/// of an ordinary channel a spike leaves after it. The state is two means for each block.
class StateNorms : public Mergeable<StateNorms> {
 public:
  /// `spike_positions` are those of the text that will be measured.
  explicit StateNorms(SpikePositions spike_positions)
      : spike_positions_(std::move(spike_positions)) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured a model of another depth.
  void merge(const StateNorms& other);
  StateNormsResult result() const { return {blocks_}; }

 private:
  friend class Mergeable<StateNorms>;
  auto fields() { return std::tie(blocks_); }

  SpikePositions spike_positions_;
  std::vector<HiddenStateNorms> blocks_;
};

}  // namespace spikesink
