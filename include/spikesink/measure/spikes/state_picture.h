#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/spikes/life_cycle.h"

namespace [[gnu::visibility("default")]] spikesink {

struct StatePictureOptions {
  /// Maximum number of tokens in the picture. Normally they start at position 0; if the largest
  /// magnitude is at a later position, the picture ends at that position.
  int64_t max_tokens = 96;
  int64_t max_columns = 576;
};

/// |h| of one sequence after one block, reduced for drawing: [tokens, columns]. Each column is the
/// maximum over neighbouring channels.
struct StatePicture {
  StatePictureOptions options;
  Block block{0};
  int64_t sequence = 0;
  int64_t first_position = 0;
  std::vector<int64_t> tokens;                        // ids, starting at first_position
  std::vector<std::pair<int64_t, int64_t>> channels;  // first and last channel of each column
  std::vector<std::vector<float>> magnitudes;         // [tokens][columns]
};

/// Returns a picture of the hidden state with the largest magnitude over all blocks. Runs one more
/// forward pass over the sequence that contains it. Empty if no state has a finite value. Throws
/// std::invalid_argument if `life_cycle` is empty or was measured on other batches.
std::optional<StatePicture> largest_state_picture(Transformer& model, const TokenBatches& batches,
                                                  const LifeCycleResult& life_cycle,
                                                  const StatePictureOptions& options = {});

}  // namespace spikesink
