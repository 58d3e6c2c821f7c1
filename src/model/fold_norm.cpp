#include "spikesink/model/fold_norm.h"

#include "detail/dtype.h"
#include "detail/fail.h"

namespace spikesink {
namespace {

torch::Tensor scaled_columns(const NormImpl& norm, const torch::Tensor& weight) {
  if (!norm.weight.defined()) return weight;
  if (weight.dim() != 2 || norm.weight.dim() != 1 || weight.size(1) != norm.weight.size(0)) {
    detail::fail_argument("[fold_norm] weight: got the shape {}, expected [out, in] for a scale {}",
                          weight.sizes().vec(), norm.weight.sizes().vec());
  }
  return weight * norm.scale(weight.scalar_type());
}

}  // namespace

torch::Tensor fold_norm(const Norm& norm, const torch::Tensor& weight) {
  const torch::NoGradGuard no_grad;
  auto wide = weight.to(detail::at_least_float(weight.scalar_type()));
  const auto& config = norm->config();
  if (config.kind == NormKind::kNone) return wide;
  if (config.kind == NormKind::kDynamicTanh)
    detail::fail_argument("[fold_norm] a norm of this kind is not linear, so it cannot be folded");
  const auto scaled = scaled_columns(*norm, wide);
  const bool centres = config.kind == NormKind::kLayerNorm || config.centred;
  return centres ? scaled - scaled.mean(1, /*keepdim=*/true) : scaled;
}

}  // namespace spikesink
