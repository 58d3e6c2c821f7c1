#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/spikes/life_cycle.h"

namespace [[gnu::visibility("default")]] spikesink {

struct StatePictureOptions {
  int64_t max_tokens = 96;  // from position 0, or up to the largest magnitude where it lies beyond
  int64_t max_columns = 576;
};

/// |h| of one sequence after one block, small enough to draw: tokens x channels, neighbouring
/// channels joined by their maximum.
struct StatePicture {
  StatePictureOptions options;
  Block block{0};
  int64_t sequence = 0;
  int64_t first_position = 0;
  std::vector<int64_t> tokens;                        // ids, from first_position on
  std::vector<std::pair<int64_t, int64_t>> channels;  // first and last channel of each column
  std::vector<std::vector<float>> magnitudes;         // [tokens][columns]
};

/// The state with the largest magnitude of all blocks, in the sequence where it occurs, from one
/// more forward pass over that sequence. None when no state held a finite value. Throws
/// std::invalid_argument for an empty life cycle and one of other batches.
std::optional<StatePicture> largest_state_picture(Transformer& model, const TokenBatches& batches,
                                                  const LifeCycleResult& life_cycle,
                                                  const StatePictureOptions& options = {});

}  // namespace spikesink
