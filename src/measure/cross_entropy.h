#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// Sum of -log softmax(logits[row])[targets[row]] over the rows with targets[row] >= 0, in float64.
/// logits [N, d_vocabulary], targets [N] int64. Each row is read twice while it is in cache;
/// nothing of its size is made.
double cross_entropy_sum(const torch::Tensor& logits, const torch::Tensor& targets);

}  // namespace spikesink::detail
