#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

struct GateLinearityOptions {
  int64_t max_spike_samples = 200;     // sampled spike tokens per block
  int64_t max_ordinary_samples = 400;  // sampled ordinary tokens per block
};

/// One token in one block.
struct GateSample {
  TokenPosition token;
  double cosine = 0;  // between input and output of the activation function, -1..1
  double ratio = 0;   // ||output|| / ||input||
  /// max |x| over channels of what the block adds to the stream (`hook_mlp_out`).
  double largest_output = 0;
};

/// Statistics of the spike tokens or of the ordinary tokens. If a `count` is 0, its mean is
/// undefined.
struct GateTokenGroup {
  RunningMean cosine;
  RunningMean ratio;
  std::vector<GateSample> sample;  // in text order

  auto fields() { return std::tie(cosine, ratio, sample); }
};

struct GateLinearityBlock {
  Block block{0};
  GateTokenGroup spike;
  GateTokenGroup ordinary;

  auto fields() { return std::tie(block, spike, ordinary); }
};

struct GateLinearityResult {
  GateLinearityOptions options;
  std::vector<GateLinearityBlock> blocks;  // the gated feed-forward blocks, in order
};

/// Measures how close the gate's activation function is to the identity (figure 2 of arXiv
/// 2603.05498). For each token: the cosine between the input and the output of the activation
/// function over the d_mlp hidden units, and the ratio of their norms. If both are near 1, the
/// activation is nearly linear and the block is a quadratic form. Tokens with a zero or non-finite
/// norm are skipped. The sample contains the tokens with the smallest hash of (sequence, position),
/// so it is the same in every block and for every batch size. It also has the largest output of the
/// block at each token, which figure 2 shows as a colour.
///
/// Blocks without a gate are not measured. Mixtures of experts are not measured either, because the
/// hook points of an expert see only the tokens that are routed to it.
class GateLinearity : public Mergeable<GateLinearity> {
 public:
  /// `spike_positions`: the spike tokens of the text that will be measured (`SpikeTokens` finds
  /// them).
  explicit GateLinearity(SpikePositions spike_positions, GateLinearityOptions options = {})
      : spike_positions_(std::move(spike_positions)), options_(options) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the blocks or the options differ.
  void merge(const GateLinearity& other);
  GateLinearityResult result() const;

 private:
  friend class Mergeable<GateLinearity>;
  auto fields() { return std::tie(blocks_); }

  void compare_input(const torch::Tensor& output);
  void add(GateLinearityBlock& block, const TokenBatch& batch, const torch::Tensor& block_output);

  SpikePositions spike_positions_;
  GateLinearityOptions options_;
  torch::Tensor input_;                     // input of the current activation function
  std::vector<GateSample> tokens_;          // [B * T], of the current block and batch
  std::vector<GateLinearityBlock> blocks_;  // samples are sorted by position hash
};

}  // namespace spikesink
