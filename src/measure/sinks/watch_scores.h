#pragma once

#include <functional>

#include "spikesink/model/transformer.h"

namespace spikesink::detail {

/// The inputs of one layer's attention. Valid only during the callback.
struct LayerScores {
  int64_t layer = 0;
  torch::Tensor q, k;  // [B, T, H, d_head] and [B, T, K, d_head], as they enter the dot product
  torch::Tensor lse;   // [B, H, T], see hook_lse
  AttentionParams rule;
};

/// Calls `callback` for every layer of every forward pass, in order. The model must outlive the
/// scope.
HookScope watch_scores(Transformer& model, std::function<void(const LayerScores&)> callback);

}  // namespace spikesink::detail
