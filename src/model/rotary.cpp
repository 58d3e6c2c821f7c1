#include "spikesink/model/rotary.h"

#include <cmath>
#include <numbers>

#include "detail/dtype.h"

namespace spikesink {
namespace {

// Llama 3.1's rule: frequencies by wavelength, as transformers' `_compute_llama3_parameters`.
torch::Tensor llama3_scaled(const torch::Tensor& frequencies, const RopeScaling& scaling) {
  const double context = static_cast<double>(scaling.original_context);
  const double longest_kept = context / scaling.high_frequency_factor;
  const double shortest_divided = context / scaling.low_frequency_factor;
  const auto wavelength = 2 * std::numbers::pi / frequencies;
  const auto divided = frequencies / scaling.factor;
  const auto share_kept = (context / wavelength - scaling.low_frequency_factor) /
                          (scaling.high_frequency_factor - scaling.low_frequency_factor);
  const auto blended = (1 - share_kept) * divided + share_kept * frequencies;
  const auto long_or_blended = at::where(wavelength > shortest_divided, divided, blended);
  return at::where(wavelength < longest_kept, frequencies, long_or_blended);
}

}  // namespace

torch::Tensor RotaryTable::apply(const torch::Tensor& x) const {
  const auto halves = x.chunk(2, -1);
  return x * cos + at::cat({-halves[1], halves[0]}, -1) * sin;
}

torch::Tensor rotary_frequencies(const ModelConfig& config, torch::Dtype dtype) {
  const auto exponent = at::arange(0, config.d_head, 2, dtype) / static_cast<double>(config.d_head);
  const auto frequencies = 1.0 / at::pow(config.rope_theta, exponent);
  const auto& scaling = config.rope_scaling;
  switch (scaling.kind) {
    case RopeScalingKind::kNone:
      break;
    case RopeScalingKind::kLinear:
      return frequencies / scaling.factor;
    case RopeScalingKind::kLlama3:
      return llama3_scaled(frequencies, scaling);
    case RopeScalingKind::kFactors:
      return frequencies / torch::tensor(scaling.factors, dtype);
  }
  return frequencies;
}

RotaryTable rotary_table(const ModelConfig& config, int64_t length,
                         const torch::TensorOptions& options) {
  const auto dtype = detail::at_least_float(c10::typeMetaToScalarType(options.dtype()));
  const auto positions = at::arange(length, dtype);
  const auto half = at::outer(positions, rotary_frequencies(config, dtype));  // [T, d_head / 2]
  const auto angles = at::cat({half, half}, -1).unsqueeze(1);                 // [T, 1, d_head]
  return {angles.cos().to(options), angles.sin().to(options)};
}

}  // namespace spikesink
