#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

namespace detail {
struct LayerScores;
}

struct SelfAttentionOptions {
  std::vector<int64_t> delimiters;  // token ids of the group `delimiter`
};

/// One value per token group. `first`: tokens at position 0. `spike`, `ordinary`: all tokens at
/// other positions. `delimiter`: delimiters at other positions; they are also counted in `spike` or
/// `ordinary`.
template <typename T>
struct PerTokenGroup {
  T first{};
  T spike{};
  T ordinary{};
  T delimiter{};
};

/// Mean of A[i, i] per token group, 0..1. NaN for a group without tokens.
struct HeadSelfAttention {
  int64_t layer = 0;
  int64_t head = 0;
  PerTokenGroup<double> attention;
};

struct SelfAttentionResult {
  SelfAttentionOptions options;
  PerTokenGroup<int64_t> tokens;         // number of tokens per group
  std::vector<HeadSelfAttention> heads;  // every layer and head, in that order
};

/// Measures the attention A[i, i] of each token to itself (section 3 of arXiv 2603.05498: it is
/// large for delimiters in early heads, and always 1 for the first token). It uses the log-sum-exp
/// of the fused attention kernel: A[i, i] = exp(score(q_i . k_i) - lse_i), so no T x T matrix is
/// needed. In grouped-query models, heads are query heads.
class SelfAttention : public Mergeable<SelfAttention> {
 public:
  /// `spike_positions`: the spike tokens of the text that will be measured (`SpikeTokens` finds
  /// them).
  explicit SelfAttention(SpikePositions spike_positions, SelfAttentionOptions options = {})
      : spike_positions_(std::move(spike_positions)), options_(std::move(options)) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the heads or the options differ.
  void merge(const SelfAttention& other);
  SelfAttentionResult result() const;

 private:
  friend class Mergeable<SelfAttention>;
  auto fields() { return std::tie(sums_, tokens_, layers_run_); }

  torch::Tensor groups_of(const TokenBatch& batch) const;
  void add(const detail::LayerScores& scores, const TokenBatch& batch);

  SpikePositions spike_positions_;
  SelfAttentionOptions options_;
  torch::Tensor sums_;               // [groups, layers, heads] float64
  torch::Tensor tokens_;             // [groups] int64
  std::vector<int64_t> layers_run_;  // ascending
};

}  // namespace spikesink
