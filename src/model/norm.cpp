#include "spikesink/model/norm.h"

#include "detail/dtype.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

namespace {

bool has_alpha(NormKind kind) {
  return kind == NormKind::kDynamicTanh || kind == NormKind::kFixedDivisor;
}

}  // namespace

NormImpl::NormImpl(const NormConfig& config, torch::IntArrayRef parameters, HookRegistry& hooks,
                   const std::string& name)
    : config_(config) {
  if (config.kind == NormKind::kNone) return;
  hook_scale_ = hooks.add_point(name + "." + std::string(hook_names::kScale));
  hook_normalized_ = hooks.add_point(name + "." + std::string(hook_names::kNormalized));
  if (config.has_scale) weight = register_parameter("weight", torch::empty(parameters));
  if (config.has_bias) bias = register_parameter("bias", torch::empty(parameters));
  if (has_alpha(config.kind)) alpha = register_parameter("alpha", torch::empty({1}));
}

std::shared_ptr<NormImpl> NormImpl::make_replacement(const NormConfig& config,
                                                     torch::Tensor new_weight,
                                                     torch::Tensor new_bias,
                                                     torch::Tensor new_alpha) const {
  HookRegistry no_points;
  auto other = std::make_shared<NormImpl>(NormConfig{.kind = NormKind::kNone}, torch::IntArrayRef{},
                                          no_points, "");
  other->config_ = config;
  other->weight = std::move(new_weight);
  other->bias = std::move(new_bias);
  other->alpha = std::move(new_alpha);
  other->hook_scale_ = hook_scale_;
  other->hook_normalized_ = hook_normalized_;
  return other;
}

torch::Tensor NormImpl::forward(const torch::Tensor& x) const {
  if (config_.kind == NormKind::kNone) return x;
  const auto wide = detail::at_least_float(x.scalar_type());
  const bool centres = config_.kind == NormKind::kLayerNorm || config_.centred;
  const auto centred = centres ? x.to(wide) - x.mean(-1, /*keepdim=*/true, wide) : x;
  auto quotient = centred / hook_scale_(divisor(centred, wide));
  if (config_.kind == NormKind::kDynamicTanh) quotient = quotient.tanh();
  const auto normalized =
      hook_normalized_(config_.scale_in_float32 ? quotient : quotient.to(x.scalar_type()));
  return apply_scale_and_bias(normalized).to(x.scalar_type());
}

// Returns [..., 1].
torch::Tensor NormImpl::divisor(const torch::Tensor& centred, torch::Dtype wide) const {
  if (has_alpha(config_.kind)) {
    auto shape = centred.sizes().vec();
    shape.back() = 1;
    return (1 / alpha.to(wide)).expand(shape);
  }
  const auto norm = at::linalg_vector_norm(centred, 2, {-1}, /*keepdim=*/true, wide);
  return (norm.square() / centred.size(-1) + config_.epsilon).sqrt();
}

torch::Tensor NormImpl::scale(torch::Dtype dtype) const {
  if (!weight.defined()) return {};
  const auto stored = weight.to(dtype);
  return config_.scale_plus_one ? 1 + stored : stored;
}

torch::Tensor NormImpl::apply_scale_and_bias(const torch::Tensor& normalized) const {
  const auto factor = scale(normalized.scalar_type());
  const auto result = factor.defined() ? normalized * factor : normalized;
  return bias.defined() ? result + bias.to(normalized.scalar_type()) : result;
}

}  // namespace spikesink
