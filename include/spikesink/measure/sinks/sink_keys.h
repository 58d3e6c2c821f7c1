#pragma once

#include <cstdint>
#include <vector>

#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Which tokens of a text are taken for sinks, in all layers and heads.
struct SinkKeys {
  std::vector<int64_t> positions = {0};  // in every sequence that is long enough, from 0; -1 is a
                                         // sequence's last one
  std::vector<TokenPosition> token_positions;  // single tokens of the text, behind a prefix that a
                                               // batch has: SinksAnywhere finds them
};

}  // namespace spikesink
