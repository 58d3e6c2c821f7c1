#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Loss of the predicted tokens of one sequence.
struct SequenceLoss {
  double loss = 0;  // sum over tokens, nats
  int64_t tokens = 0;
};

struct PerplexityResult {
  double mean_loss = 0;                  // nats per predicted token; NaN without tokens
  double perplexity = 0;                 // exp(mean_loss)
  int64_t tokens = 0;                    // predicted tokens: all but the first of each sequence
  std::vector<SequenceLoss> sequences;   // in the order of the text
  std::vector<RunningMean> by_position;  // [p]: loss of token p of the text; [0] is empty

  /// Returns a 95 % confidence interval by percentile bootstrap: the 2.5th and 97.5th percentiles
  /// of `draws` perplexities. Each one is computed from `sequences.size()` sequences, drawn with
  /// replacement. NaN if there are no tokens or if the perplexity is NaN.
  std::pair<double, double> interval(uint64_t seed = 0, int64_t draws = 1000) const;
};

/// Measures the mean cross-entropy of next-token prediction. Logits are computed for 1024 tokens at
/// a time. If another hook at `unembed.hook_out` is added before the run and changes the logits,
/// the loss is computed from the changed logits. Memory: two numbers per sequence and one mean per
/// position.
class Perplexity : public Mergeable<Perplexity> {
 public:
  /// Throws std::invalid_argument if the model is not a causal language model.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Appends the sequences of `other`.
  void merge(const Perplexity& other);
  PerplexityResult result() const;

 private:
  friend class Mergeable<Perplexity>;
  auto fields() { return std::tie(sequences_, by_position_); }

  void add(const std::vector<double>& losses, const torch::Tensor& targets, int64_t prefix);

  std::vector<SequenceLoss> sequences_;
  std::vector<RunningMean> by_position_;
};

}  // namespace spikesink
