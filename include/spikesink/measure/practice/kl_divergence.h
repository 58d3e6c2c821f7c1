#pragma once

#include <tuple>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What goes into the unembedding, kept of one pass to be held against another. It grows with the
/// text, by d_model numbers a token: take it a batch at a time.
class FinalStates : public Measurement {
 public:
  HookScope attach(Transformer& model, RunContext& context) override;
  const std::vector<torch::Tensor>& batches() const { return batches_; }  // [B, T, d_embedding]

 private:
  std::vector<torch::Tensor> batches_;
};

/// How far the model's predictions are from those of a reference pass over the same batches: the
/// Kullback-Leibler divergence sum p log(p / q), in nats, p the reference's distribution of the
/// next token, q the model's; mean over the tokens that `Perplexity` counts.
class KlDivergence : public Mergeable<KlDivergence> {
 public:
  /// The reference must outlive the runs.
  explicit KlDivergence(const FinalStates& reference) : reference_(reference) {}

  /// A run over other batches than the reference's throws std::invalid_argument; a prefix may
  /// stand before them.
  HookScope attach(Transformer& model, RunContext& context) override;
  void merge(const KlDivergence& other) { values_.merge(other.values_); }
  /// Nats; its count is that of tokens.
  const RunningMean& result() const { return values_; }

 private:
  friend class Mergeable<KlDivergence>;
  auto fields() { return std::tie(values_); }

  void add(const TransformerImpl& model, const torch::Tensor& states, int64_t prefix);

  const FinalStates& reference_;
  size_t batch_ = 0;
  RunningMean values_;
};

}  // namespace spikesink
