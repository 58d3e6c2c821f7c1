#pragma once

#include <string_view>

#include "spikesink/measure/sinks/sink_keys.h"
#include "spikesink/text/token_batches.h"

namespace spikesink::detail {

/// Throws std::invalid_argument for an invalid position. `who` is the name in the message.
void check(const SinkKeys& keys, std::string_view who);

/// Returns [B, T] bool, true for sinks.
torch::Tensor sink_mask(const SinkKeys& keys, const TokenBatch& batch);

}  // namespace spikesink::detail
