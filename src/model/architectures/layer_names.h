#pragma once

#include <string>
#include <vector>

#include "model/weight_names.h"

// Names within a layer that several families have in common.

namespace spikesink::detail {

/// Queries, keys and values as rows of one matrix, one after the other.
std::vector<WeightName> stacked_attention(const std::string& tensor,
                                          bool stored_transposed = false);

/// The layer of the Megatron family (GPT-NeoX, BLOOM, Falcon), whose attention is called
/// `attention` and has the rows of each group of heads together.
std::vector<WeightName> megatron_layer(const std::string& attention);

/// Experts as transformers holds them in memory, all in one tensor, gate and up stacked.
std::vector<WeightName> experts_in_one_tensor();

}  // namespace spikesink::detail
