#pragma once

#include <torch/types.h>

#include <vector>

#include "spikesink/model/kv_cache.h"
#include "spikesink/model/model_config.h"
#include "spikesink/model/rope_table.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What the layers of one forward pass share about the places in its sequences.
struct PassContext {
  std::vector<RopeTable> rope_tables;  // as ModelConfig::ropes
  torch::Tensor alibi;                 // [H, T], or undefined: see alibi_bias
  torch::Tensor padding_mask;          // [B, T] bool, true for padding, or undefined
  torch::Tensor token_embeddings;      // [B, T, d_embedding], of the tokens; where gates read it
  int64_t past_length = 0;             // tokens of the cache, which come before those of this pass
  KvCache* cache = nullptr;            // or none
};

/// What ALiBi adds to the score of a key at each position, but for a constant of each query: the
/// score of key k for query i gets bias[k] - bias[i]. [H, T]; undefined for a model without.
torch::Tensor alibi_bias(const ModelConfig& config, int64_t length,
                         const torch::TensorOptions& options);

}  // namespace spikesink
