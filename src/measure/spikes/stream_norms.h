#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spikesink/model/transformer.h"

namespace spikesink::detail {

/// A norm whose input is the residual stream.
struct StreamNorm {
  std::string name;     // "blocks.3.ln1", "ln_final"
  std::string input;    // hook point of its input
  int64_t after_block;  // number of the block after which it reads the stream; 0: before the first

  /// Hook point of its output, before the learned scale.
  std::string normalized_point() const;
};

/// Returns these norms in the order of the stream. In a post-norm model the input is residual +
/// block output. Norms of a block's output are not included.
std::vector<StreamNorm> stream_norms(const TransformerImpl& model);

/// Returns the first of them that reads the stream after `block`, or later if none reads it there.
std::optional<StreamNorm> next_stream_norm(const TransformerImpl& model, Block block);

}  // namespace spikesink::detail
