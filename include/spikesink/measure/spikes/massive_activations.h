#pragma once

#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/flat_map.h"
#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A value x of a hidden state is massive if |x| > least_magnitude and |x| >= least_ratio x the
/// median of |h| over all tokens and channels of its sequence.
struct MassiveActivationsOptions {
  double least_magnitude = 100.0;
  double least_ratio = 1000.0;
};

/// The massive values of one channel after one block. Means are signed.
struct MassiveChannel {
  int64_t channel = 0;
  RunningMean all;
  RunningMean at_start;   // at position 0
  RunningMean elsewhere;  // at all other positions
  double largest = 0;     // |x|

  void add(double value, int64_t position);
  void merge(const MassiveChannel& other);
};

/// Number of massive occurrences of a token.
struct MassiveTokenCount {
  int64_t id = 0;
  bool at_start = false;  // position 0
  int64_t count = 0;
};

/// Ratio of the values of two channels of the same token. Only tokens where both are massive are
/// counted.
struct ChannelRatio {
  int64_t channel = 0;
  int64_t reference = 0;
  RunningMean ratio;
};

struct MassiveActivationsBlock {
  Block block;
  std::vector<MassiveChannel> channels;   // most frequent first
  std::vector<MassiveTokenCount> tokens;  // most frequent first
  /// Position -> number of sequences with a massive activation at this position.
  std::map<int64_t, int64_t> positions;
  /// Ratios to the largest channel of the same token. Most frequent first.
  std::vector<ChannelRatio> ratios;
  int64_t token_count = 0;  // tokens with a massive value
};

struct MassiveActivationsResult {
  MassiveActivationsOptions options;
  std::vector<MassiveActivationsBlock> blocks;  // blocks with a massive value, in order
  /// Returns the massive channels of all blocks, largest first.
  std::vector<int64_t> channels() const;
};

/// Finds massive activations after each block, by the definition of Sun et al. (arXiv 2402.17762):
/// |x| > 100 and |x| >= 1000 times the median of |h| over the hidden state of that sequence, spike
/// tokens included. The median is that of torch: the lower middle element.
class MassiveActivations : public Mergeable<MassiveActivations> {
 public:
  explicit MassiveActivations(MassiveActivationsOptions options = {}) : options_(options) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the models have different numbers of layers or the options
  /// differ.
  void merge(const MassiveActivations& other);
  MassiveActivationsResult result() const;

 private:
  friend class Mergeable<MassiveActivations>;
  auto fields() { return std::tie(blocks_); }

  struct Tally {
    FlatMap<int64_t, MassiveChannel> channels;
    FlatMap<std::pair<int64_t, bool>, int64_t> tokens;  // (id, at start) -> count
    FlatMap<int64_t, int64_t> positions;
    FlatMap<std::pair<int64_t, int64_t>, RunningMean> ratios;  // (channel, reference)
    int64_t token_count = 0;

    auto fields() { return std::tie(channels, tokens, positions, ratios, token_count); }
    /// Adds one token and its massive values: pairs of channel and signed value.
    void add(int64_t id, int64_t position, const std::vector<std::pair<int64_t, double>>& values);
    void merge(const Tally& other);
  };

  void add(Tally& tally, const StateScan& scan, const torch::Tensor& ids) const;

  MassiveActivationsOptions options_;
  std::vector<Tally> blocks_;  // block 1 first
};

}  // namespace spikesink
