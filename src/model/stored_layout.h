#pragma once

#include <torch/types.h>

#include <functional>

#include "spikesink/model/model_config.h"

// How a parameter lies in the tensor that a file stores it in. Each function below makes one that
// takes the parameter out; weights are [out, in] or, stored transposed, [in, out], and biases
// [out]. What cannot be taken from a tensor of its shape throws c10::Error.

namespace spikesink::detail {

/// (stored tensor, configuration, number of the expert that the parameter belongs to).
using Take = std::function<torch::Tensor(const torch::Tensor&, const ModelConfig&, int64_t)>;

enum class QkvPart { kQuery, kKey, kValue };

Take as_is();
/// Stored [in, out] (GPT-2's Conv1D).
Take transposed();
/// Rows of one of two stacked equals: 0 or 1 (gate and up in one matrix).
Take half(int64_t index);
/// Rows of queries, keys and values one after the other, [q | k | v].
Take of_stack(QkvPart part, bool stored_transposed = false);
/// Rows head by head: each key/value head after the queries of its group, [q ... q k v] (GPT-NeoX,
/// BLOOM, Falcon).
Take of_groups(QkvPart part);
/// Rows of each head with the two halves of the pairs that RoPE turns interleaved (GGUF's llama).
Take interleaved_pairs(QkvPart part);
/// One expert of a stack whose first dimension counts experts, then `inner` of it.
Take of_expert(Take inner);
/// Every second row, from `index` on.
Take every_second(int64_t index);
/// First one, then the other.
Take then(Take first, Take second);

}  // namespace spikesink::detail
