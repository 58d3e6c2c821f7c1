#pragma once

#include <string>

#include "spikesink/model/transformer.h"

namespace spikesink::detail {

/// What a layer's feed-forward reads.
struct FeedForwardInput {
  const Norm* norm;   // the norm before it; null where it reads a stream as it is
  std::string point;  // the hook point of its input before that norm's learned scale and bias
};

FeedForwardInput feed_forward_input(const TransformerImpl& model, int64_t layer);

}  // namespace spikesink::detail
