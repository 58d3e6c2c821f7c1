#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Of the predicted tokens of one sequence.
struct SequenceLoss {
  double loss = 0;  // nats, their sum
  int64_t tokens = 0;
};

struct PerplexityResult {
  double mean_loss = 0;                  // nats a predicted token; NaN when there was none
  double perplexity = 0;                 // exp(mean_loss)
  int64_t tokens = 0;                    // predicted tokens: all but the first of each sequence
  std::vector<SequenceLoss> sequences;   // in the order of the text
  std::vector<RunningMean> by_position;  // loss of the text's token p, at [p]; [0] is empty

  /// A confidence interval of 95 %: the 2.5th and 97.5th percentiles of `draws` perplexities, each
  /// of as many sequences, drawn from these with replacement (percentile bootstrap). NaN without
  /// tokens and where the perplexity is.
  std::pair<double, double> interval(uint64_t seed = 0, int64_t draws = 1000) const;
};

/// Mean cross-entropy of each next token. Logits are formed a thousand tokens at a time, unless
/// a hook is on `unembed.hook_out` before the run begins: then the logits that it leaves are used.
/// HighPrecision are two numbers a sequence and a mean a position.
class Perplexity : public Mergeable<Perplexity> {
 public:
  /// Throws std::invalid_argument for a model that does not predict the next token.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// The other's sequences come after these.
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
