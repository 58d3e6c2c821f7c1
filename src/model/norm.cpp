#include "spikesink/model/norm.h"

#include "detail/dtype.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

RmsNormImpl::RmsNormImpl(int64_t size, double epsilon, HookRegistry& hooks, const std::string& name)
    : epsilon_(epsilon),
      hook_scale_(hooks.make(name + "." + std::string(hook_names::kScale))),
      hook_normalized_(hooks.make(name + "." + std::string(hook_names::kNormalized))) {
  weight = register_parameter("weight", torch::empty({size}));
}

torch::Tensor RmsNormImpl::forward(const torch::Tensor& x) const {
  const auto norm =
      at::linalg_vector_norm(x, 2, {-1}, /*keepdim=*/true, detail::at_least_float(x.scalar_type()));
  const auto scale = hook_scale_((norm.square() / x.size(-1) + epsilon_).sqrt());  // [B, T, 1]
  const auto normalized = hook_normalized_((x / scale).to(x.scalar_type()));       // [B, T, size]
  return normalized * weight;
}

}  // namespace spikesink
