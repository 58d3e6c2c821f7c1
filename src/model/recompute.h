#pragma once

#include "spikesink/model/layer.h"

namespace spikesink::detail {

/// What the layer makes of the stream, keeping nothing but the stream: for its gradients the layer
/// runs once more (Chen et al., arXiv 1604.06174), and its hooks see it once more.
torch::Tensor recomputed(const Layer& layer, const torch::Tensor& stream,
                         const PassContext& pass_context);

}  // namespace spikesink::detail
