#pragma once

#include <torch/types.h>

#include <array>

#include "spikesink/measure/core/running_vectors.h"

namespace spikesink::detail {

/// Adds the rows of x [..., d] to the sums of their group: row r to groups[mask[r]]. `mask` is bool
/// on the CPU, without gaps. `top` >= 1 is how many channels `top_share` counts. In parallel, each
/// row read from memory once; the result does not depend on the number of threads.
void add_vectors(const torch::Tensor& x, const torch::Tensor& mask, int64_t top,
                 std::array<RunningVectorSummary, 2>& groups);

}  // namespace spikesink::detail
