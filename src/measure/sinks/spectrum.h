#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// Adds sum v v^T of the vectors [n, heads, d] to `moment` [heads, d, d]; all float64.
void add_to_moment(torch::Tensor& moment, const torch::Tensor& vectors);

/// Returns per head the effective rank (exp of the entropy of the normalized eigenvalues), the
/// share of the largest eigenvalue and the share of the two largest: [heads, d, d] -> [heads, 3].
/// NaN if a moment is not finite.
torch::Tensor spectrum_of(const torch::Tensor& moment);

}  // namespace spikesink::detail
