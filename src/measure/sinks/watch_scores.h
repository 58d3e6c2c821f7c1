#pragma once

#include <functional>

#include "spikesink/model/transformer.h"

namespace spikesink::detail {

/// What one layer's attention is reckoned from. Held only while the layer is being passed.
struct LayerScores {
  int64_t layer = 0;
  torch::Tensor q, k;  // [B, T, H, d_head] and [B, T, K, d_head], as they enter the dot product
  torch::Tensor lse;   // [B, H, T], see hook_lse
  AttentionParams rule;
};

/// Calls `seen` for every layer of every forward pass, in order. The model must outlive the scope.
HookScope watch_scores(Transformer& model, std::function<void(const LayerScores&)> seen);

}  // namespace spikesink::detail
