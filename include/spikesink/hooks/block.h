#pragma once

#include <cstdint>
#include <string>

namespace [[gnu::visibility("default")]] spikesink {

enum class BlockKind { kAttention, kFeedForward };

/// One of the paper's 2L residual blocks. Layers count from 0; blocks from 1: block 2l+1 is the
/// attention of layer l, block 2l+2 its feed-forward (arXiv 2603.05498, section 2). Not the
/// `blocks.N` of hook names, which is the whole layer N.
struct Block {
  int64_t number;

  static Block of(int64_t layer, BlockKind kind) {
    return {2 * layer + (kind == BlockKind::kAttention ? 1 : 2)};
  }
  int64_t layer() const { return (number - 1) / 2; }
  BlockKind kind() const {
    return number % 2 == 1 ? BlockKind::kAttention : BlockKind::kFeedForward;
  }
  /// "attention" or "feed_forward".
  const char* kind_name() const {
    return kind() == BlockKind::kAttention ? "attention" : "feed_forward";
  }
  /// Returns the hook point of the block's output, which is added to the residual stream.
  std::string output_hook_name() const;
};

}  // namespace spikesink
