#pragma once

#include <torch/types.h>

#include <vector>

namespace spikesink::detail {

/// Comparison of one row of an activation function's output with its input.
struct Linearity {
  double cosine = 0;  // NaN if a norm is zero or not finite
  double ratio = 0;   // ||output|| / ||input||
};

/// Returns one entry per row of `input` and `output` [..., n], which have the same shape and dtype.
/// Reads each tensor once.
std::vector<Linearity> activation_linearity(const torch::Tensor& input,
                                            const torch::Tensor& output);

}  // namespace spikesink::detail
