#pragma once

#include "spikesink/model/norm.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Folds the learned scale of a norm into the weight matrix W that follows it, `weight` [out, d].
/// Returns a matrix F [out, d], float32 or float64, such that W norm(h) = F (h / s) + W b for every
/// vector h [d]. Here s is the norm's divisor (`hook_scale`) and b its bias, if it has one. For an
/// RMSNorm the columns are scaled; for a LayerNorm the mean of each row is also subtracted; for the
/// identity F = W. Throws std::invalid_argument if the number of columns of W differs from the
/// length of the learned scale, and for a norm that is not linear in h / s (kDynamicTanh).
torch::Tensor fold_norm(const Norm& norm, const torch::Tensor& weight);

}  // namespace spikesink
