#pragma once

#include <torch/types.h>

#include <compare>
#include <vector>

#include "spikesink/text/token_batches.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The position of one token in the text.
struct TokenPosition {
  int64_t sequence = 0;
  int64_t position = 0;

  auto operator<=>(const TokenPosition&) const = default;
};

/// Positions of the spike tokens of a text, as found by `SpikeTokens`. 16 bytes per token.
class SpikePositions {
 public:
  SpikePositions() = default;
  /// The positions may be unsorted and repeated. `complete` = false: the list was cut. Spike tokens
  /// after its last position are not known; `mask` treats them as ordinary.
  explicit SpikePositions(std::vector<TokenPosition> positions, bool complete = true);

  /// Sorted by sequence, then by position.
  const std::vector<TokenPosition>& positions() const { return positions_; }
  bool complete() const { return complete_; }

  /// Returns [sequences, length] bool on the CPU, true for spike tokens. The first row is sequence
  /// `first_sequence`. Throws std::invalid_argument if a position in these sequences is >= `length`
  /// (the positions belong to another text).
  torch::Tensor mask(int64_t first_sequence, int64_t sequences, int64_t length) const;
  /// Returns the mask of a batch. Tokens of the prefix are ordinary.
  torch::Tensor mask(const TokenBatch& batch) const;

 private:
  std::vector<TokenPosition> positions_;
  bool complete_ = true;
};

}  // namespace spikesink
