#pragma once

#include <cstdint>
#include <vector>

#include "spikesink/train/token_source.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The Markov chain of BigramBackcopy.
struct BigramBackcopyConfig {
  int64_t tokens = 64;       // number of tokens in the chain, triggers included
  int64_t triggers = 3;      // number of triggers; their ids are 0, 1, ...
  double trigger_boost = 8;  // factor on the transition weights to triggers
  double spread = 1;         // standard deviation of the logarithms of the transition weights
  uint64_t seed = 0;         // seed of the chain
};

/// The Bigram-Backcopy task (Guo et al., arXiv 2410.13835): a sequence is BOS (the largest id),
/// then a Markov chain over the other tokens. Exception: after a trigger token, the next token is a
/// copy of the token before the trigger. A head that copies after triggers is not needed at other
/// tokens, and learns to attend to BOS there.
class BigramBackcopy : public TokenSource {
 public:
  /// `seed` seeds the sequences. Throws std::invalid_argument for an invalid configuration.
  explicit BigramBackcopy(const BigramBackcopyConfig& config = {}, uint64_t seed = 0);

  torch::Tensor sequences(int64_t first, int64_t count, int64_t length) const override;
  int64_t d_vocabulary() const override { return config_.tokens + 1; }
  /// Returns P(next | token), [tokens, tokens] float64. The rows of triggers are not used.
  torch::Tensor transition_matrix() const;

 private:
  BigramBackcopyConfig config_;
  uint64_t seed_;
  std::vector<double> sums_;  // [tokens, tokens], cumulative transition weights of each row
};

}  // namespace spikesink
