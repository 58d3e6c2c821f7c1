#include "spikesink/intervene/norm_placement.h"

#include "detail/fail.h"
#include "intervene/norm_sites.h"
#include "model/require_attention.h"

namespace spikesink {
namespace {

constexpr const char* kChangeNorms = "ChangeNorms";

// The gain of a norm, in the shape of a learned scale at its site.
torch::Tensor gain_of(const ModelConfig& config, const FittedNorm& norm,
                      const torch::TensorOptions& options) {
  const bool per_head = norm.site == NormSite::kQuery || norm.site == NormSite::kKey;
  return torch::full({per_head ? config.d_head : config.d_model}, norm.gain, options);
}

std::shared_ptr<NormImpl> replacement(const Transformer& model, const NormImpl& now,
                                      const FittedNorm& norm) {
  const auto& config = model->config();
  const auto options = model->options();
  if (norm.kind == NormKind::kRmsNorm)
    return now.make_replacement({.epsilon = config.norm.epsilon}, gain_of(config, norm, options),
                                {}, {});
  auto changed = now.config();
  changed.centred = changed.centred || changed.kind == NormKind::kLayerNorm;
  changed.kind = norm.kind;
  const auto alpha = torch::full({1}, norm.alpha, options.dtype(torch::kDouble));
  if (norm.kind == NormKind::kFixedDivisor)
    return now.make_replacement(changed, now.weight, now.bias, alpha);
  changed.scale_plus_one = false;
  const auto scale = now.scale(options.dtype().toScalarType());
  const auto weight = scale.defined() ? scale * norm.gain : gain_of(config, norm, options);
  return now.make_replacement(changed, weight, now.bias, alpha);
}

void check(const ModelConfig& config, const FittedNorm& norm) {
  if (norm.site == NormSite::kFinal) return;
  if (norm.block.number < 1 || norm.block.number > 2 * config.n_layers)
    detail::fail_argument("[{}] block: got {}, expected 1 to {}", kChangeNorms, norm.block.number,
                          2 * config.n_layers);
  if (norm.site == NormSite::kQuery || norm.site == NormSite::kKey)
    detail::require_attention(kChangeNorms, config, norm.block.layer());
}

}  // namespace

HookScope ChangeNorms::attach(Transformer& model) const {
  const torch::NoGradGuard no_grad;
  for (const auto& norm : norms_) check(model->config(), norm);
  HookScope scope;
  for (const auto& norm : norms_) {
    scope += model->hooks().reserve_site(
        fmt::format("the {} norm of block {}", to_string(norm.site), norm.block.number),
        kChangeNorms);
    const auto pinned = model->pin_weights(norm.site == NormSite::kFinal
                                               ? WeightGroup::head(model->config().n_layers)
                                               : WeightGroup::layer(norm.block.layer()));
    auto& current = detail::norm_at(model, norm.block, norm.site);
    const auto before = current;
    current = Norm(replacement(model, *before, norm));
    const auto owner = model.ptr();  // keeps the model alive until the scope ends
    scope += HookScope([owner, &current, before] { current = before; });
  }
  return scope;
}

}  // namespace spikesink
