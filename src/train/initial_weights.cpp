#include "spikesink/train/initial_weights.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

namespace spikesink {
namespace {

constexpr double kAlpha = 0.5;  // initial alpha of DynamicTanh (arXiv 2503.10622)

void fill_norm(NormImpl& norm) {
  if (norm.weight.defined()) norm.weight.fill_(norm.config().scale_plus_one ? 0 : 1);
  if (norm.bias.defined()) norm.bias.zero_();
  if (norm.alpha.defined()) norm.alpha.fill_(kAlpha);
}

bool writes_to_the_stream(const std::string& name) {
  return name.ends_with("attn.o.weight") || name.ends_with("mlp.down.weight") ||
         name.ends_with(".mlp.weight");
}

}  // namespace

void initialize_weights(Transformer& model, double deviation, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(seed);
  const double smaller = deviation / std::sqrt(2.0 * static_cast<double>(model->config().n_layers));
  for (auto& entry : model->named_parameters()) {
    auto& weight = entry.value();
    if (weight.dim() < 2) {
      weight.zero_();
      continue;
    }
    const double spread = writes_to_the_stream(entry.key()) ? smaller : deviation;
    weight.copy_(
        at::normal(0, spread, weight.sizes(), generator, torch::TensorOptions(torch::kDouble)));
  }
  for (auto& module : model->modules(/*include_self=*/false)) {
    if (auto* norm = module->as<NormImpl>()) fill_norm(*norm);
  }
}

}  // namespace spikesink
