#pragma once

#include <optional>
#include <tuple>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_state.h"

namespace [[gnu::visibility("default")]] spikesink {

struct LifeCycleOptions {
  int64_t top = 3;  // channels whose peaks are located in each state (the paper's figure 1: 3)
  double least_magnitude = 100.0;  // a spike is larger than this ...
  double least_ratio =
      1000.0;  // ... and at least this many medians of its state (Sun et al., arXiv 2402.17762)
  double step_share =
      0.25;  // a step block changes a spike channel's maximum by this share of the larger side ...
  double step_ratio =
      100.0;  // ... where that larger side is a spike by this many medians of its state
};

struct LifeCycleBlock {
  Block block;
  StateSummary hidden_state;  // the stream after the block
  StateSummary output;        // what the block added to it
};

/// The largest magnitude of a state that is too large for something.
struct RangeOverflow {
  Block block;  // whose output, or the stream after it, it is
  ChannelPeak peak;
};

/// A run of consecutive blocks after which the maximum of some spike channel is > least_magnitude
/// and >= step_ratio medians, as for steps. A spike that falls below and another that rises later
/// are two episodes.
struct SpikeEpisode {
  Block first, last;
  ChannelPeak peak;  // the largest magnitude of its states
};

/// What a step-up or step-down block does to the spike channel whose maximum it changes most.
struct SpikeStep {
  Block block;
  int64_t channel = 0;
  double before = 0, after = 0;  // the channel's maximum of |h| on either side
  double share = 0;  // |after - before| over the channel's largest maximum in the episode of the
                     // larger side, or in all blocks where that side is the embedding
};

/// Lists are of block numbers (1..2L) and channels.
struct LifeCycleResult {
  LifeCycleOptions options;
  StateSummary embedding;              // the stream before block 1
  std::vector<LifeCycleBlock> blocks;  // in order
  /// Channels that are a spike in some hidden state: max |h| > least_magnitude and >= least_ratio x
  /// the state's median. The largest first.
  std::vector<int64_t> spike_channels;
  /// Blocks that raise the maximum of some spike channel: M_b - M_{b-1} >= step_share x M_b, where
  /// M_b, the maximum of |h| in the channel after block b, is > least_magnitude and >= step_ratio x
  /// the state's median.
  std::vector<int64_t> step_up;
  /// Blocks that lower it, likewise: M_{b-1} - M_b >= step_share x M_{b-1}.
  std::vector<int64_t> step_down;
  std::vector<SpikeEpisode> episodes;  // in order
  std::vector<SpikeStep> steps;        // of all step-up and step-down blocks, in order

  /// The block of the greatest step up, or else the first after which there is a spike: where the
  /// largest spike is born. Nothing where none spikes.
  std::optional<Block> spike_origin() const;
  /// The first block whose output, or the stream after it, exceeds `limit` in magnitude: what a
  /// narrow dtype could not hold.
  std::optional<RangeOverflow> first_exceeding(double limit) const;
  /// The block whose hidden state has the largest |h|, or null where nothing was seen.
  const LifeCycleBlock* block_of_largest_state() const;
  /// NaN and infinite values of all states and outputs.
  int64_t not_finite() const;
};

/// The largest number that float16 holds.
inline constexpr double kMaxFloat16 = 65504;

/// Rise, plateau and fall of the largest channels over the 2L blocks, and which block's output
/// makes them (the paper's figure 1, table 1).
class LifeCycle : public Mergeable<LifeCycle> {
 public:
  explicit LifeCycle(LifeCycleOptions options = {}) : options_(options) {}

  /// Throws std::invalid_argument for a top below one.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured a model of another depth, or another top.
  void merge(const LifeCycle& other);
  LifeCycleResult result() const;

 private:
  friend class Mergeable<LifeCycle>;
  auto fields() { return std::tie(states_); }

  LifeCycleOptions options_;
  std::vector<RunningStateSummary>
      states_;  // [1 + 2 * blocks]: the embedding, then each block's hidden state and output
};

}  // namespace spikesink
