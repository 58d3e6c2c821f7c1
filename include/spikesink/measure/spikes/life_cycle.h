#pragma once

#include <optional>
#include <tuple>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_state.h"

namespace [[gnu::visibility("default")]] spikesink {

struct LifeCycleOptions {
  /// Number of largest channels that are located in each state (figure 1 of arXiv 2603.05498: 3).
  int64_t top = 3;
  /// A channel has a spike if max |h| > least_magnitude and max |h| >= least_ratio x the median of
  /// its hidden state (Sun et al., arXiv 2402.17762).
  double least_magnitude = 100.0;
  double least_ratio = 1000.0;
  /// before, after: max |h| of a spike channel before and after a block. A step block has
  /// |after - before| >= step_share x max(before, after), and max(before, after) is >
  /// least_magnitude and >= step_ratio x the median of its hidden state.
  double step_share = 0.25;
  double step_ratio = 100.0;
};

struct LifeCycleBlock {
  Block block;
  StateSummary hidden_state;  // after the block
  StateSummary output;        // what the block added to the residual stream
};

/// The first hidden state or block output that exceeds a limit.
struct RangeOverflow {
  /// The block whose output, or the hidden state after it, exceeds the limit.
  Block block;
  ChannelPeak peak;
};

/// Consecutive blocks after which at least one spike channel is high: max |h| > least_magnitude and
/// >= step_ratio x the median of the hidden state. A later run of such blocks is a new episode.
struct SpikeEpisode {
  Block first, last;
  ChannelPeak peak;  // the largest magnitude of its states
};

/// The effect of a step-up or step-down block on the spike channel whose maximum changes most.
struct SpikeStep {
  Block block;
  int64_t channel = 0;
  double before = 0, after = 0;  // max |h| of the channel before and after the block
  /// |after - before| / peak. peak: the maximum of the channel over the hidden states of the
  /// episode that contains the larger of `before` and `after`. If the larger value is in the
  /// embedding: the maximum over all blocks.
  double share = 0;
};

/// Blocks are numbered from 1 to 2L.
struct LifeCycleResult {
  LifeCycleOptions options;
  StateSummary embedding;              // hidden state before block 1
  std::vector<LifeCycleBlock> blocks;  // in order
  /// Channels with a spike in at least one hidden state: max |h| > least_magnitude and >=
  /// least_ratio x the state's median. Largest first.
  std::vector<int64_t> spike_channels;
  /// Blocks that raise the maximum of at least one spike channel: M_b - M_{b-1} >= step_share x
  /// M_b, where M_b, the maximum of |h| in the channel after block b, is > least_magnitude and >=
  /// step_ratio x the state's median.
  std::vector<int64_t> step_up;
  /// Blocks that lower the maximum: M_{b-1} - M_b >= step_share x M_{b-1}, with the same conditions
  /// on M_{b-1}.
  std::vector<int64_t> step_down;
  std::vector<SpikeEpisode> episodes;  // in order
  std::vector<SpikeStep> steps;        // all step-up and step-down blocks, in order

  /// Returns the block that creates the largest spike: the block with the largest step up, or,
  /// without a step up, the first block of the first episode. Empty if there is no spike.
  std::optional<Block> spike_origin() const;
  /// Returns the first block whose output, or the hidden state after it, exceeds `limit` in
  /// magnitude (for example the largest float16).
  std::optional<RangeOverflow> first_overflow(double limit) const;
  /// Returns the entry of `blocks` with the largest |h| in its hidden state; nullptr if no hidden
  /// state has a finite value other than 0.
  const LifeCycleBlock* block_of_largest_state() const;
  /// Returns the number of NaN and infinite values in all hidden states and block outputs.
  int64_t not_finite() const;
};

/// The largest float16.
inline constexpr double kMaxFloat16 = 65504;

/// Measures the rise, plateau and fall of the largest channels over the 2L blocks, and which blocks
/// create and remove them (figure 1 and table 1 of arXiv 2603.05498).
class LifeCycle : public Mergeable<LifeCycle> {
 public:
  explicit LifeCycle(LifeCycleOptions options = {}) : options_(options) {}

  /// Throws std::invalid_argument if `top` < 1.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the models have different numbers of layers or the values of
  /// `top` differ.
  void merge(const LifeCycle& other);
  LifeCycleResult result() const;

 private:
  friend class Mergeable<LifeCycle>;
  auto fields() { return std::tie(states_); }

  LifeCycleOptions options_;
  std::vector<RunningStateSummary>
      /// [1 + 2 * blocks]: the embedding, then the hidden state and the output of each block.
      states_;
};

}  // namespace spikesink
