#pragma once

#include <string>

#include "spikesink/model/transformer.h"

namespace spikesink::detail {

/// The input of a layer's feed-forward.
struct FeedForwardInput {
  const Norm* norm;  // the norm before it; null if there is no norm
  /// Hook point of the input, before the learned scale and bias of the norm.
  std::string point;
};

FeedForwardInput feed_forward_input(const TransformerImpl& model, int64_t layer);

}  // namespace spikesink::detail
