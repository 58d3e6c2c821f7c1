#include "spikesink/model/norm.h"

#include "detail/dtype.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

NormImpl::NormImpl(const NormConfig& config, torch::IntArrayRef parameters, HookRegistry& hooks,
                   const std::string& name)
    : config_(config) {
  if (config.kind == NormKind::kNone) return;
  hook_scale_ = hooks.make(name + "." + std::string(hook_names::kScale));
  hook_normalized_ = hooks.make(name + "." + std::string(hook_names::kNormalized));
  if (config.has_scale) weight = register_parameter("weight", torch::empty(parameters));
  if (config.has_bias) bias = register_parameter("bias", torch::empty(parameters));
}

torch::Tensor NormImpl::forward(const torch::Tensor& x) const {
  if (config_.kind == NormKind::kNone) return x;
  const auto wide = detail::at_least_float(x.scalar_type());
  const auto centred =
      config_.kind == NormKind::kLayer ? x.to(wide) - x.mean(-1, /*keepdim=*/true, wide) : x;
  const auto norm = at::linalg_vector_norm(centred, 2, {-1}, /*keepdim=*/true, wide);
  const auto scale = hook_scale_((norm.square() / x.size(-1) + config_.epsilon).sqrt());
  const auto quotient = centred / scale;
  const auto normalized =
      hook_normalized_(config_.scale_in_float32 ? quotient : quotient.to(x.scalar_type()));
  return scaled(normalized).to(x.scalar_type());
}

torch::Tensor NormImpl::scale(torch::Dtype dtype) const {
  if (!weight.defined()) return {};
  const auto stored = weight.to(dtype);
  return config_.scale_plus_one ? 1 + stored : stored;
}

torch::Tensor NormImpl::scaled(const torch::Tensor& normalized) const {
  const auto factor = scale(normalized.scalar_type());
  const auto result = factor.defined() ? normalized * factor : normalized;
  return bias.defined() ? result + bias.to(normalized.scalar_type()) : result;
}

}  // namespace spikesink
