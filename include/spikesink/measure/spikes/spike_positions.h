#pragma once

#include <torch/types.h>

#include <compare>
#include <vector>

#include "spikesink/text/token_batches.h"

namespace [[gnu::visibility("default")]] spikesink {

/// One token of the text.
struct TokenPosition {
  int64_t sequence = 0;
  int64_t position = 0;

  auto operator<=>(const TokenPosition&) const = default;
};

/// Where the spike tokens of a text stand: `SpikeTokens` finds them. 16 bytes each.
class SpikePositions {
 public:
  SpikePositions() = default;
  /// In any order, repeated or not. `complete` says that they are all there are: where they are
  /// not, the positions after the last one are unknown, and `mask` calls their tokens ordinary.
  explicit SpikePositions(std::vector<TokenPosition> positions, bool complete = true);

  /// By sequence, then by position.
  const std::vector<TokenPosition>& positions() const { return positions_; }
  bool complete() const { return complete_; }

  /// [sequences, length] bool on the CPU, true for spike tokens; its first row is sequence
  /// `first_sequence`. A token in these sequences at or beyond `length` throws
  /// std::invalid_argument: they are positions of another text.
  torch::Tensor mask(int64_t first_sequence, int64_t sequences, int64_t length) const;
  /// That of a batch; tokens of a prefix are ordinary.
  torch::Tensor mask(const TokenBatch& batch) const;

 private:
  std::vector<TokenPosition> positions_;
  bool complete_ = true;
};

}  // namespace spikesink
