#pragma once

#include <functional>

#include "spikesink/model/transformer.h"

namespace spikesink::detail {

/// The inputs of one layer's attention. Valid only during the callback.
struct LayerScores {
  int64_t layer = 0;
  bool is_first = false, is_last = false;  // of the layers with attention
  torch::Tensor q, k;  // [B, T, H, d_head] and [B, T, K, d_head], as they enter the dot product
  torch::Tensor lse;   // [B, H, T], see hook_lse
  AttentionParams rule;
};

/// Adds a layer to the ascending list of those that ran.
void add_layer(std::vector<int64_t>& layers_run, int64_t layer);

/// Calls `callback` for every layer with attention of every forward pass, in order. The model must
/// outlive the scope.
HookScope watch_scores(Transformer& model, std::function<void(const LayerScores&)> callback);

}  // namespace spikesink::detail
