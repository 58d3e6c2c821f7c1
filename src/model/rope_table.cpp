#include "spikesink/model/rope_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "detail/dtype.h"

namespace spikesink {
namespace {

// theta^(-2i / dimensions) for each pair i.
torch::Tensor plain_frequencies(double theta, int64_t dimensions, torch::Dtype dtype) {
  const auto exponent = at::arange(0, dimensions, 2, dtype) / static_cast<double>(dimensions);
  return 1.0 / at::pow(theta, exponent);
}

// Llama 3.1's scaling by wavelength, like `_compute_llama3_parameters` in transformers.
torch::Tensor llama3_scaled(const torch::Tensor& frequencies, const RopeScaling& scaling) {
  const double context = static_cast<double>(scaling.original_context);
  const double short_limit = context / scaling.high_frequency_factor;
  const double long_limit = context / scaling.low_frequency_factor;
  const auto wavelength = 2 * std::numbers::pi / frequencies;
  const auto divided = frequencies / scaling.factor;
  const auto unscaled_share = (context / wavelength - scaling.low_frequency_factor) /
                              (scaling.high_frequency_factor - scaling.low_frequency_factor);
  const auto blended = (1 - unscaled_share) * divided + unscaled_share * frequencies;
  const auto long_or_blended = at::where(wavelength > long_limit, divided, blended);
  return at::where(wavelength < short_limit, frequencies, long_or_blended);
}

// The dimension index that rotates `rotations` times over the original context (YaRN, section 3.2).
double dimension_with_rotations(double rotations, const RopeConfig& config, int64_t dimensions) {
  const double context = static_cast<double>(config.scaling.original_context);
  return static_cast<double>(dimensions) * std::log(context / (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(config.theta));
}

torch::Tensor yarn_scaled(const torch::Tensor& frequencies, const RopeConfig& config,
                          int64_t dimensions) {
  const auto& scaling = config.scaling;
  double first = dimension_with_rotations(scaling.beta_fast, config, dimensions);
  double last = dimension_with_rotations(scaling.beta_slow, config, dimensions);
  if (scaling.truncate) {
    first = std::floor(first);
    last = std::ceil(last);
  }
  first = std::max(first, 0.0);
  last = std::min(last, static_cast<double>(dimensions - 1));
  const double width = last == first ? 0.001 : last - first;  // avoids 0 / 0, like transformers
  const auto dimension = at::arange(frequencies.size(0), frequencies.options());
  const auto scaled_share = ((dimension - first) / width).clamp(0, 1);
  return frequencies / scaling.factor * scaled_share + frequencies * (1 - scaled_share);
}

// The base of NTK scaling, which depends on the sequence length.
double dynamic_theta(const RopeConfig& config, int64_t dimensions, int64_t length) {
  const auto& scaling = config.scaling;
  const double context = static_cast<double>(scaling.original_context);
  const double effective_length = std::max(static_cast<double>(length), context);
  const double width = static_cast<double>(dimensions);
  return config.theta * std::pow(scaling.factor * effective_length / context - (scaling.factor - 1),
                                 width / (width - 2));
}

const std::vector<double>& factors_for(const RopeScaling& scaling, int64_t length) {
  const bool is_long = length > scaling.original_context && !scaling.long_factors.empty();
  return is_long ? scaling.long_factors : scaling.short_factors;
}

int64_t rotated_dimensions(const RopeConfig& config, int64_t d_head) {
  return config.dimensions == 0 ? d_head : config.dimensions;
}

}  // namespace

torch::Tensor RopeTable::apply(const torch::Tensor& x, int64_t first) const {
  const int64_t dimensions = cos.size(-1);
  const auto for_positions = [&](const torch::Tensor& table) {
    return table.slice(0, first, first + x.size(1));
  };
  const auto unrotated = x.slice(-1, 0, dimensions);
  const auto halves = unrotated.chunk(2, -1);
  auto rotated =
      unrotated * for_positions(cos) + at::cat({-halves[1], halves[0]}, -1) * for_positions(sin);
  if (dimensions == x.size(-1)) return rotated;
  return at::cat({rotated, x.slice(-1, dimensions)}, -1);
}

torch::Tensor rope_frequencies(const RopeConfig& config, int64_t d_head, int64_t length,
                               torch::Dtype dtype) {
  const int64_t dimensions = rotated_dimensions(config, d_head);
  const auto& scaling = config.scaling;
  auto frequencies = plain_frequencies(config.theta, dimensions, dtype);
  switch (scaling.kind) {
    case RopeScalingKind::kNone:
      break;
    case RopeScalingKind::kLinear:
      return frequencies / scaling.factor;
    case RopeScalingKind::kDynamic:
      return plain_frequencies(dynamic_theta(config, dimensions, length), dimensions, dtype);
    case RopeScalingKind::kLlama3:
      return llama3_scaled(frequencies, scaling);
    case RopeScalingKind::kYarn:
      return yarn_scaled(frequencies, config, dimensions);
    case RopeScalingKind::kFactors:
      return frequencies / torch::tensor(factors_for(scaling, length), dtype);
  }
  return frequencies;
}

RopeTable make_rope_table(const RopeConfig& config, int64_t d_head, int64_t length,
                          const torch::TensorOptions& options) {
  const auto dtype = detail::at_least_float(c10::typeMetaToScalarType(options.dtype()));
  const auto frequencies = rope_frequencies(config, d_head, length, dtype);
  const auto half = at::outer(at::arange(length, dtype), frequencies);  // [T, dimensions / 2]
  const auto angles = at::cat({half, half}, -1).unsqueeze(1);           // [T, 1, dimensions]
  const double factor = config.scaling.attention_factor;
  return {(angles.cos() * factor).to(options), (angles.sin() * factor).to(options)};
}

}  // namespace spikesink
