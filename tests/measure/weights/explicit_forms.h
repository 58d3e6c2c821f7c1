#pragma once

#include "measure/weights/gated_form.h"
#include "spikesink/measure/weights/quadratic_form.h"

namespace spikesink {

/// Every U_k, [d_model, d_model, d_model] float64, of the folded network.
inline torch::Tensor explicit_forms(const detail::GatedForm& form) {
  const auto wide = [](const torch::Tensor& x) { return x.to(torch::kDouble); };
  return at::einsum("ki,ia,ib->kab", {wide(form.down), wide(form.gate), wide(form.up)});
}

inline torch::Tensor symmetric(const torch::Tensor& forms) {
  return (forms + forms.transpose(-2, -1)) / 2;
}

inline double largest_relative_error(const torch::Tensor& got, const torch::Tensor& expected) {
  return ((got - expected).abs() / expected.abs()).max().item<double>();
}

/// Channels above the median count as outliers, so that every model has some.
inline QuadraticFormOptions loose() {
  return {.outlier_deviations = 0, .max_outliers = 4, .control_count = 2, .eigenvalue_count = 6};
}

}  // namespace spikesink
