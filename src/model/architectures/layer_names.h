#pragma once

#include <string>
#include <vector>

#include "model/weight_names.h"

// Tensor names within a layer that several families share.

namespace spikesink::detail {

/// Q, K and V in one matrix: all query rows, then all key rows, then all value rows.
std::vector<WeightName> stacked_attention(const std::string& tensor,
                                          bool stored_transposed = false);

/// Makes the names those of a family whose RoPE rotates adjacent channels: the rows of queries and
/// keys, and the scales of their norms, are reordered.
void reorder_interleaved(std::vector<WeightName>& layer);

/// The layer of the Megatron family (GPT-NeoX, BLOOM, Falcon). `attention` is the name of its
/// attention module, whose rows are ordered by group of heads.
std::vector<WeightName> megatron_layer(const std::string& attention);

/// Adds the names of a language model within a multimodal one, and ignores the other tensors.
void add_multimodal_names(WeightNames& names);

/// The router and the experts of the Qwen family, each expert in its own module or all in one
/// tensor.
std::vector<WeightName> routed_experts();

/// All experts in one tensor, with gate and up stacked, like transformers stores them in memory.
std::vector<WeightName> experts_in_one_tensor();

}  // namespace spikesink::detail
