#include "spikesink/model/model_config.h"

#include <cmath>

#include "detail/fail.h"

namespace spikesink {
namespace {

void check_positive(const char* field, int64_t value) {
  if (value <= 0)
    detail::fail_argument("[ModelConfig] {}: got {}, expected a positive number", field, value);
}

void check_positive(const char* field, double value) {
  if (!(value > 0) || !std::isfinite(value)) {
    detail::fail_argument("[ModelConfig] {}: got {}, expected a positive finite number", field,
                          value);
  }
}

void check_rope(const ModelConfig& config) {
  check_positive("rope_theta", config.rope_theta);
  const auto& scaling = config.rope_scaling;
  check_positive("rope_scaling.factor", scaling.factor);
  if (scaling.kind == RopeScalingKind::kLlama3) {
    check_positive("rope_scaling.original_context", scaling.original_context);
    check_positive("rope_scaling.low_frequency_factor", scaling.low_frequency_factor);
    if (!(scaling.high_frequency_factor > scaling.low_frequency_factor)) {
      detail::fail_argument(
          "[ModelConfig] rope_scaling.high_frequency_factor: got {}, expected more than "
          "low_frequency_factor = {}",
          scaling.high_frequency_factor, scaling.low_frequency_factor);
    }
  }
  if (scaling.kind == RopeScalingKind::kFactors) {
    if (static_cast<int64_t>(scaling.factors.size()) != config.d_head / 2) {
      detail::fail_argument(
          "[ModelConfig] rope_scaling.factors: got {} numbers, expected d_head / 2 = {}",
          scaling.factors.size(), config.d_head / 2);
    }
    for (const double factor : scaling.factors) check_positive("rope_scaling.factors", factor);
  }
}

}  // namespace

void ModelConfig::validate() const {
  check_positive("n_layers", n_layers);
  check_positive("d_model", d_model);
  check_positive("d_mlp", d_mlp);
  check_positive("n_heads", n_heads);
  check_positive("n_key_value_heads", n_key_value_heads);
  check_positive("d_head", d_head);
  check_positive("d_vocabulary", d_vocabulary);
  check_positive("context", context);
  check_positive("norm_epsilon", norm_epsilon);
  if (n_heads % n_key_value_heads != 0) {
    detail::fail_argument(
        "[ModelConfig] n_key_value_heads: got {}, expected a divisor of n_heads = {}",
        n_key_value_heads, n_heads);
  }
  if (d_head % 2 != 0)
    detail::fail_argument(
        "[ModelConfig] d_head: got {}, expected an even number, as RoPE turns pairs", d_head);
  check_rope(*this);
}

}  // namespace spikesink
