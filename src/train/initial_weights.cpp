#include "spikesink/train/initial_weights.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

namespace spikesink {
namespace {

void fill_norm(NormImpl& norm, double alpha) {
  if (norm.weight.defined()) norm.weight.fill_(norm.config().scale_plus_one ? 0 : 1);
  if (norm.bias.defined()) norm.bias.zero_();
  if (norm.alpha.defined()) norm.alpha.fill_(alpha);
}

bool writes_to_the_stream(const std::string& name) {
  return name.ends_with("attn.o.weight") || name.ends_with("delta.o.weight") ||
         name.ends_with("mlp.down.weight") || name.ends_with(".mlp.weight");
}

// Returns the standard deviation of the parameter of this name; 0 for biases and sink logits.
double deviation_of(const std::string& name, const torch::Tensor& weight, const ModelConfig& model,
                    const InitialWeightsConfig& config) {
  if (name.ends_with("attn.gate.logits")) return config.gate_deviation;
  if (weight.dim() < 2) return 0;
  if (name == "embed") return config.embedding_deviation;
  if (name == "unembed")
    return config.unembedding_deviation.value_or(1 / std::sqrt(static_cast<double>(model.d_model)));
  const bool smaller = config.scale_by_depth && writes_to_the_stream(name);
  return config.matrix_deviation /
         (smaller ? std::sqrt(2.0 * static_cast<double>(model.n_layers)) : 1.0);
}

}  // namespace

void initialize_weights(Transformer& model, const InitialWeightsConfig& config, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(seed);
  for (auto& entry : model->named_parameters()) {
    auto& weight = entry.value();
    const double deviation = deviation_of(entry.key(), weight, model->config(), config);
    if (deviation == 0) {
      weight.zero_();
      continue;
    }
    weight.copy_(
        at::normal(0, deviation, weight.sizes(), generator, torch::TensorOptions(torch::kDouble)));
  }
  for (auto& module : model->named_modules("", /*include_self=*/false)) {
    auto* norm = module.value()->as<NormImpl>();
    const bool of_attention = module.key().find(".ln1") != std::string::npos;
    if (norm) fill_norm(*norm, of_attention ? config.attention_alpha : config.feed_forward_alpha);
  }
}

}  // namespace spikesink
