#pragma once

#include <string_view>

#include "spikesink/measure/sinks/sink_keys.h"
#include "spikesink/text/token_batches.h"

namespace spikesink::detail {

/// Throws std::invalid_argument, in the name of `who`, for a position that cannot be.
void check(const SinkKeys& keys, std::string_view who);

/// [B, T] bool, true for the sinks.
torch::Tensor sink_mask(const SinkKeys& keys, const TokenBatch& batch);

}  // namespace spikesink::detail
