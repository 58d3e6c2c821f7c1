#pragma once

#include "spikesink/model/layer.h"

namespace spikesink::detail {

/// Runs a layer with gradient checkpointing (Chen et al., arXiv 1604.06174): stores only its input,
/// and runs the layer again in the backward pass. Its hooks then run twice.
torch::Tensor run_with_checkpointing(const Layer& layer, const torch::Tensor& stream,
                                     const PassContext& pass_context);

}  // namespace spikesink::detail
