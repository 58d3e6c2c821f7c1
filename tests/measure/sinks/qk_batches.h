#pragma once

#include "measure/attention_models.h"
#include "spikesink/measure/sinks/sink_keys.h"

namespace spikesink {

/// Position 0 of all sequences, and two single tokens; the second lies beyond its sequence's end.
inline const SinkKeys kSinks{.positions = {0}, .token_positions = {{1, 4}, {2, 90}}};

inline bool is_sink(int64_t sequence, int64_t position) {
  return position == 0 || (sequence == 1 && position == 4);
}

/// A small model and batches of three lengths.
struct QkBatches : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model();
  TokenBatches batches = batches_of_lengths({9, 1, 12});
};

}  // namespace spikesink
