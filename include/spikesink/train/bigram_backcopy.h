#pragma once

#include <cstdint>
#include <vector>

#include "spikesink/train/token_source.h"

namespace [[gnu::visibility("default")]] spikesink {

struct BigramBackcopyConfig {
  int64_t tokens = 64;       // of the chain, triggers included
  int64_t triggers = 3;      // ids 0, 1, ...
  double trigger_boost = 8;  // how many times likelier than by chance a trigger is
  double spread = 1;         // of the logarithms of the chain's probabilities
  uint64_t seed = 0;         // of the chain: what there is to learn
};

/// The Bigram-Backcopy task (Guo et al., arXiv 2410.13835): BOS, the last id, and then a Markov
/// chain in which whatever follows a trigger is a copy of what stood before it. A head that copies
/// after triggers has nothing to do elsewhere, and learns to attend to BOS there.
class BigramBackcopy : public TokenSource {
 public:
  /// `seed` is of the sequences. Throws std::invalid_argument.
  explicit BigramBackcopy(const BigramBackcopyConfig& config = {}, uint64_t seed = 0);

  torch::Tensor sequences(int64_t first, int64_t count, int64_t length) const override;
  int64_t d_vocabulary() const override { return config_.tokens + 1; }
  /// P(next | token), [tokens, tokens] float64; of triggers' rows nothing is drawn.
  torch::Tensor transition_matrix() const;

 private:
  BigramBackcopyConfig config_;
  uint64_t seed_;
  std::vector<double> sums_;  // [tokens, tokens], of each row's probabilities up to there
};

}  // namespace spikesink
