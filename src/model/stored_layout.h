#pragma once

#include <torch/types.h>

#include <functional>

#include "spikesink/model/model_config.h"

// How a parameter is laid out in the stored tensor of a file. Each function below returns a
// function that extracts the parameter. Weights are [out, in] or, stored transposed, [in, out];
// biases are [out]. A stored tensor with an unsuitable shape throws c10::Error.

namespace spikesink::detail {

/// Extracts a parameter: (stored tensor, configuration, index of the parameter's expert) -> values.
using Extract = std::function<torch::Tensor(const torch::Tensor&, const ModelConfig&, int64_t)>;

enum class QkvPart { kQuery, kKey, kValue };

/// The whole tensor, unchanged.
Extract unchanged();
/// Stored [in, out] (GPT-2's Conv1D).
Extract transposed();
/// The rows of the first (0) or second (1) half of a tensor (gate and up in one matrix).
Extract half(int64_t index);
/// The rows of one QKV part of a tensor with all queries, then all keys, then all values.
Extract stacked_qkv(QkvPart part, bool stored_transposed = false);
/// The rows of one QKV part of a tensor that is ordered by group: the query heads of a group, then
/// its key head and its value head, [q ... q k v] (GPT-NeoX, BLOOM, Falcon).
Extract grouped_qkv(QkvPart part);
/// All rows, those with RoPE reordered from pairs of adjacent channels to pairs of the halves of a
/// head's rotated channels. Also for the scales of a norm of each head, [heads, d_head].
Extract interleaved_pairs(QkvPart part);
/// Rows of a tensor that is ordered by group: `count` rows of each group, from its row `first`.
struct GroupRows {
  int64_t groups, first, count;
};
/// The rows that `rows` selects, group by group.
Extract rows_of_groups(std::function<GroupRows(const ModelConfig&)> rows);

enum class LatentPart { kQuery, kLatent, kSharedKey, kKey, kValue };
/// The rows of one part of latent attention. The query heads of a file are [without RoPE, with
/// RoPE]; a tensor has the latent's rows and then those of the keys with RoPE; another one has for
/// each head the rows of the key, then those of the value.
Extract latent_part(LatentPart part);
/// One expert of a tensor [experts, ...], followed by `inner`.
Extract of_one_expert(Extract inner);
/// One expert of a tensor whose rows are those of all experts.
Extract rows_of_one_expert();
/// All elements in one dimension.
Extract flattened();
/// Every second row, starting at `index`.
Extract alternate_rows(int64_t index);
/// A tensor [a, 1, b] as [a, b] (PyTorch's convolution of each channel by itself).
Extract without_middle_dimension();
/// Applies `first`, then `second`.
Extract chain(Extract first, Extract second);

}  // namespace spikesink::detail
