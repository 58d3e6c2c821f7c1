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
  int64_t max_spike_samples = 200;     // tokens sampled in each block: of the spike tokens ...
  int64_t max_ordinary_samples = 400;  // ... and of the others
};

/// One token in one block.
struct GateSample {
  TokenPosition token;
  double cosine = 0;  // of the activation's input and output, -1..1
  double ratio = 0;   // ||output|| / ||input||
};

/// The tokens of one kind. Without tokens the counts are 0 and the means say nothing.
struct GateGroup {
  RunningMean cosine;
  RunningMean ratio;
  std::vector<GateSample> sample;  // by place

  auto fields() { return std::tie(cosine, ratio, sample); }
};

struct GateLinearityBlock {
  Block block{0};
  GateGroup spike;
  GateGroup ordinary;

  auto fields() { return std::tie(block, spike, ordinary); }
};

struct GateLinearityResult {
  GateLinearityOptions options;
  std::vector<GateLinearityBlock> blocks;  // the gated feed-forward blocks, in order
};

/// How near a gate's activation is to the identity (the paper's figure 2): for each token, the
/// cosine between what the activation reads and what it gives, over the d_mlp inner channels, and
/// the quotient of their norms. Both near 1 mean that it lets the token pass and that the block is
/// quadratic in it. A token whose cosine is no number, because a norm is zero or not finite, is
/// left out. The sample of points is a fixed choice by sequence and position, the same in every
/// block and however the text is divided.
///
/// Blocks without a gate are not in the result, nor are mixtures of experts, whose hook points see
/// only the tokens that chose an expert.
class GateLinearity : public Mergeable<GateLinearity> {
 public:
  /// `spike_positions` are those of the text that will be measured.
  explicit GateLinearity(SpikePositions spike_positions, GateLinearityOptions options = {})
      : spike_positions_(std::move(spike_positions)), options_(options) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured other blocks or by other options.
  void merge(const GateLinearity& other);
  GateLinearityResult result() const;

 private:
  friend class Mergeable<GateLinearity>;
  auto fields() { return std::tie(blocks_); }

  void add(GateLinearityBlock& block, const TokenBatch& batch, const torch::Tensor& output);

  SpikePositions spike_positions_;
  GateLinearityOptions options_;
  torch::Tensor input_;                     // of the activation being passed
  std::vector<GateLinearityBlock> blocks_;  // samples by the hash of their spike_positions
};

}  // namespace spikesink
