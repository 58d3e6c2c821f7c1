#pragma once

#include <torch/types.h>

#include <vector>

#include "spikesink/model/kv_cache.h"
#include "spikesink/model/model_config.h"
#include "spikesink/model/rope_table.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Inputs that all layers of one forward pass share: RoPE tables, ALiBi, padding mask and cache.
struct PassContext {
  std::vector<RopeTable> rope_tables;  // one per entry of ModelConfig::ropes
  torch::Tensor alibi;                 // [H, S] of `alibi_bias`, or undefined
  torch::Tensor query_scales;          // [S, 1, 1] of `query_scales`, or undefined
  torch::Tensor padding_mask;          // [B, T] bool, true for padding, or undefined
  torch::Tensor token_embeddings;      // [B, T, d_embedding], if gates read them, or undefined
  int64_t past_length = 0;             // number of cached tokens, which precede this pass's tokens
  KvCache* cache = nullptr;            // null without a cache
};

/// Computes the ALiBi bias of each key position, [H, length]: the score of query i and key k gets
/// bias[k] - bias[i]. Returns an undefined tensor for a model without ALiBi.
torch::Tensor alibi_bias(const ModelConfig& config, int64_t length,
                         const torch::TensorOptions& options);

/// Computes the factor of the query at each position, [length, 1, 1]. Returns an undefined tensor
/// for a model without a QueryScale.
torch::Tensor query_scales(const ModelConfig& config, int64_t length,
                           const torch::TensorOptions& options);

}  // namespace spikesink
