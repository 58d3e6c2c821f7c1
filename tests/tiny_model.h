#pragma once

#include "spikesink/model/transformer.h"

namespace spikesink {

/// A Llama of two layers with grouped heads and a context long enough for memory to be told apart.
inline ModelConfig tiny_config() {
  ModelConfig config;
  config.model_type = "llama";
  config.n_layers = 2;
  config.d_model = 32;
  config.d_mlp = 40;
  config.n_heads = 4;
  config.n_key_value_heads = 2;
  config.d_head = 8;
  config.d_vocabulary = 61;
  config.context = 4096;
  config.ropes = {{}};
  return config;
}

/// The same with a gated DeltaNet in place of the first layer's attention.
inline ModelConfig tiny_hybrid_config() {
  auto config = tiny_config();
  config.layers = {{.mixer = MixerKind::kGatedDeltaNet}, {}};
  config.delta_net = {.n_key_heads = 2, .n_value_heads = 4, .d_key = 6, .d_value = 5, .kernel = 3};
  return config;
}

/// Random weights, the same at every call.
inline Transformer random_model(const ModelConfig& config = tiny_config(),
                                torch::Dtype dtype = torch::kFloat) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  Transformer model(config);
  for (auto& parameter : model->parameters()) {
    parameter.set_data((0.3 * torch::randn(parameter.sizes(), torch::kDouble)).to(dtype));
  }
  return model;
}

/// Ids [sequences, length], the same at every call.
inline torch::Tensor random_tokens(int64_t sequences, int64_t length, uint64_t seed = 2) {
  torch::manual_seed(seed);
  return torch::randint(tiny_config().d_vocabulary, {sequences, length}, torch::kLong);
}

}  // namespace spikesink
