#pragma once

#include <torch/types.h>

#include <array>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

struct SpikeCosinesOptions {
  int64_t max_tokens = 64;  // sampled spike tokens; at least 2
};

/// Cosines of every two of n vectors. Undefined if a vector is zero or not finite.
struct PairwiseCosines {
  std::vector<std::vector<double>> matrix;  // [n][n], -1..1, symmetric; NaN where undefined

  /// Quantiles over the defined cosines of two different tokens, linear between order statistics.
  /// NaN if there is none.
  double minimum = 0;
  double percentile_5 = 0;
  double median = 0;
  double percentile_95 = 0;
  double maximum = 0;
};

struct SampledToken {
  TokenPosition token;
  int64_t id = 0;
};

/// The sampled tokens of one kind. Without a next norm, or if the run stopped before a point, the
/// matrix of that point is empty.
struct SpikeCosinesGroup {
  std::vector<SampledToken> tokens;  // [n], in text order
  PairwiseCosines before;            // of the stream before the block
  PairwiseCosines after;             // of the stream after the block
  PairwiseCosines normalized;        // of the output `hook_normalized` of the next norm
};

struct SpikeCosinesResult {
  SpikeCosinesOptions options;
  Block block{0};
  /// The first norm that reads the stream after the block ("blocks.3.ln1", "ln_final"). Empty if
  /// there is none.
  std::string norm;
  /// Number of the block after which this norm reads the stream. Larger than `block.number` if no
  /// norm reads the stream right after the block: between the blocks of a parallel layer, and in
  /// models whose norms are on the outputs of blocks.
  int64_t norm_after_block = 0;
  SpikeCosinesGroup spike;
  SpikeCosinesGroup ordinary;  // a control: as many ordinary tokens, if the text has as many
};

/// Measures the cosine of every two spike tokens before the block that creates the largest spike,
/// after it, and after the next norm without its learned scale (figure 5 and eqs. 23 to 25 of arXiv
/// 2603.05498). An RMSNorm keeps the direction of a vector, so its output has the cosines of its
/// input. In a post-norm model the stream after the block is residual + block output, before the
/// norm.
///
/// The sample contains the tokens with the smallest hash of (sequence, position), so it is the same
/// at all three points and for every batch size. Memory: `max_tokens` vectors [d_model] per point
/// and kind of token.
class SpikeCosines : public Mergeable<SpikeCosines> {
 public:
  /// `spike_positions`: the spike tokens of the text that will be measured (`SpikeTokens` finds
  /// them). `block`: LifeCycleResult::spike_origin(), or any other block.
  SpikeCosines(SpikePositions spike_positions, Block block, SpikeCosinesOptions options = {})
      : spike_positions_(std::move(spike_positions)), block_(block), options_(options) {}

  /// Throws std::invalid_argument if `max_tokens` < 2 or the model does not have the block.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the blocks, the widths or norms of the models, or the options
  /// differ.
  void merge(const SpikeCosines& other);
  SpikeCosinesResult result() const;

 private:
  friend class Mergeable<SpikeCosines>;
  auto fields() { return std::tie(d_model_, norm_, norm_after_block_, points_); }

  struct TokenVector {
    TokenPosition token;
    int64_t id = 0;
    torch::Tensor vector;  // [d_model], on the CPU

    auto fields() { return std::tie(token, id, vector); }
  };
  struct Point {
    std::vector<TokenVector> spike, ordinary;  // samples, sorted by position hash

    auto fields() { return std::tie(spike, ordinary); }
  };

  void add(Point& point, const TokenBatch& batch, const torch::Tensor& vectors) const;
  SpikeCosinesGroup group(std::vector<TokenVector> Point::*kind) const;

  SpikePositions spike_positions_;
  Block block_;
  SpikeCosinesOptions options_;
  int64_t d_model_ = 0;
  std::string norm_;
  int64_t norm_after_block_ = 0;
  std::array<Point, 3> points_;  // before, after, normalized
};

}  // namespace spikesink
