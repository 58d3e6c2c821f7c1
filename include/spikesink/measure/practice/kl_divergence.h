#pragma once

#include <tuple>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Stores the input of the unembedding for comparison with another pass. Memory: d_model numbers
/// per token, so measure one batch at a time.
class FinalStates : public Measurement {
 public:
  HookScope attach(Transformer& model, RunContext& context) override;
  const std::vector<torch::Tensor>& states() const {
    return states_;
  }  // [B, T, d_embedding] of each batch

 private:
  std::vector<torch::Tensor> states_;
};

/// Measures the Kullback-Leibler divergence between the predictions of a reference pass and of this
/// model on the same batches: sum p log(p / q), in nats. p and q are the next-token distributions
/// of the reference and of the model. The result is the mean over the tokens that `Perplexity`
/// counts.
class KlDivergence : public Mergeable<KlDivergence> {
 public:
  /// `reference` must outlive the runs.
  explicit KlDivergence(const FinalStates& reference) : reference_(reference) {}

  /// `run` throws std::invalid_argument if the batches do not have the shapes of those of the
  /// reference pass. Prefixes are ignored: the batches of either pass may have one.
  HookScope attach(Transformer& model, RunContext& context) override;
  void merge(const KlDivergence& other) { values_.merge(other.values_); }
  /// Returns the mean in nats; `count` is the number of tokens.
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
