#pragma once

#include "spikesink/model/norm.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Folds what a norm learned into the matrix that reads it, `weight` [out, d]: the result F, [out,
/// d] in float32 or better, has F (h / s) = W norm(h) for every h [d], where s is what the norm
/// divides by (`hook_scale`), up to W times the norm's bias. An RMSNorm scales the columns, a
/// LayerNorm takes the mean out of each row as well, the identity changes nothing. Throws
/// std::invalid_argument when the columns are not as many as the norm's scales, and for a norm that
/// is not linear once s is given.
torch::Tensor fold_norm(const Norm& norm, const torch::Tensor& weight);

}  // namespace spikesink
