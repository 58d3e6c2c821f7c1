#pragma once

#include <torch/types.h>

#include <array>

#include "spikesink/measure/core/running_vectors.h"

namespace spikesink::detail {

/// Adds the rows of x [..., d] to the sums of their group: row r to groups[mask[r]]. `mask` is bool
/// on the CPU, contiguous. `top` >= 1: number of channels that count for `top_share`. Runs in
/// parallel and reads each row from memory once. The result does not depend on the number of
/// threads.
void add_vectors(const torch::Tensor& x, const torch::Tensor& mask, int64_t top,
                 std::array<RunningVectorSummary, 2>& groups);

}  // namespace spikesink::detail
