#pragma once

#include <cstdint>
#include <vector>

#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The tokens that are treated as sinks in all layers and heads.
struct SinkKeys {
  /// Positions in every sequence that is long enough, from 0. -1: the last position of a sequence.
  std::vector<int64_t> positions = {0};
  /// Additional single tokens, counted without the prefix of a batch (SinksAnywhere finds them).
  std::vector<TokenPosition> token_positions;
};

}  // namespace spikesink
