#pragma once

#include <torch/types.h>

#include <vector>

namespace spikesink::detail {

/// How one row of an activation's output lies to its input.
struct Linearity {
  double cosine = 0;  // NaN where a norm is zero or not finite
  double ratio = 0;   // ||output|| / ||input||
};

/// For each row of input and output [..., n], of one shape and dtype. Each is read once.
std::vector<Linearity> activation_linearity(const torch::Tensor& input,
                                            const torch::Tensor& output);

}  // namespace spikesink::detail
