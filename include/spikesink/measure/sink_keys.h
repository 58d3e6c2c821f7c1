#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace spikesink {

/// Which tokens of a text are taken for sinks, in all layers and heads.
struct SinkKeys {
  std::vector<int64_t> positions = {0};  // in every sequence that is long enough, from 0; -1 is a
                                         // sequence's last one
  std::vector<std::pair<int64_t, int64_t>>
      places;  // (sequence, position): SinksAnywhere finds them
};

}  // namespace spikesink
