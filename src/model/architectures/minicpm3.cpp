#include <cmath>

#include "model/architectures/deepseek.h"
#include "model/architectures/families.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// Latent attention without experts; embeddings, outputs of blocks and logits are scaled.
ModelConfig read_minicpm3(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5);
  read_latent(keys, config, even_head_width(config));
  config.mlp_bias = keys.flag("mlp_bias", false);
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  config.embedding_multiplier = keys.number("scale_emb", 12);
  const double layers = std::sqrt(static_cast<double>(config.n_layers));
  config.residual_multiplier = keys.number("scale_depth") / layers;
  config.logit_multiplier = keys.number("dim_model_base") / static_cast<double>(config.d_model);
  return config;
}

WeightNames minicpm3_names() {
  auto names = llama_names();
  names.in_layer = std::move(names.in_layer) + latent_attention();
  return names;
}

}  // namespace spikesink::detail
