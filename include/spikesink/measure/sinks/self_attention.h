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
  std::vector<int64_t> delimiters;  // ids of a further group, such as the delimiters
};

/// What each group of tokens has for one number. `first` is position 0; the other groups are
/// without it. `spike` and `ordinary` share the rest between them; `watched` is of both kinds.
template <typename T>
struct PerTokenGroup {
  T first{};
  T spike{};
  T ordinary{};
  T delimiter{};
};

/// Means of A[i, i], 0..1; NaN for a group without tokens.
struct HeadSelfAttention {
  int64_t layer = 0;
  int64_t head = 0;
  PerTokenGroup<double> attention;
};

struct SelfAttentionResult {
  SelfAttentionOptions options;
  PerTokenGroup<int64_t> tokens;         // how many a group has
  std::vector<HeadSelfAttention> heads;  // every layer and head, in that order
};

/// How much of its attention a token keeps for itself (section 3 of the paper: delimiters do so in
/// early heads, and the first token, which sees no other, always), from the fused kernel's
/// log-sum-exp: A[i, i] = exp(score(q_i . k_i) - lse_i). No attention matrix is formed.
/// Grouped-query models are counted by query head.
class SelfAttention : public Mergeable<SelfAttention> {
 public:
  /// `spike_positions` are those of the text that will be measured.
  explicit SelfAttention(SpikePositions spike_positions, SelfAttentionOptions options = {})
      : spike_positions_(std::move(spike_positions)), options_(std::move(options)) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured other heads or by other options.
  void merge(const SelfAttention& other);
  SelfAttentionResult result() const;

 private:
  friend class Mergeable<SelfAttention>;
  auto fields() { return std::tie(sums_, tokens_, layers_passed_); }

  torch::Tensor groups_of(const TokenBatch& batch) const;
  void add(const detail::LayerScores& scores, const TokenBatch& batch);

  SpikePositions spike_positions_;
  SelfAttentionOptions options_;
  torch::Tensor sums_;    // [groups, layers, heads] float64
  torch::Tensor tokens_;  // [groups] int64
  int64_t layers_passed_ = 0;
};

}  // namespace spikesink
