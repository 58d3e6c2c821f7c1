#pragma once

#include "spikesink/model/norm.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Folds the learned scale of a norm into the weight matrix W that follows it, `weight` [out, d].
/// Returns F [out, d] in float32 or float64 with F (h / s) + W b = W norm(h) for every h [d]. Here
/// s is the norm's divisor (`hook_scale`) and b its bias, if it has one. For an RMSNorm the columns
/// are scaled; for a LayerNorm the mean of each row is also subtracted; for the identity F = W.
/// Throws std::invalid_argument when the number of columns is not the number of the norm's scales,
/// and for a norm that is not linear in h / s (kDynamicTanh).
torch::Tensor fold_norm(const Norm& norm, const torch::Tensor& weight);

}  // namespace spikesink
