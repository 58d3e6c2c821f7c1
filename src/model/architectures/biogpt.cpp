#include <cmath>

#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"

namespace spikesink::detail {

// OPT's layers. Whatever the file says, the norms' epsilon is 1e-5.
ModelConfig read_biogpt(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  read_sizes(keys, config);
  config.learned_positions = true;
  config.position_offset = 2;
  if (keys.flag("scale_embedding", true))
    config.embedding_multiplier = std::sqrt(static_cast<double>(config.d_model));
  config.norm = config.final_norm = layer_norm(1e-5);
  config.gated = false;
  config.activation.kind = read_activation(keys, "hidden_act", "gelu");
  config.qkv_bias = config.attention_output_bias = config.mlp_bias = true;
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  keys.ignore({"layer_norm_eps", "activation_dropout"});
  return config;
}

WeightNames biogpt_names() {
  auto names = opt_names();
  names.bases = {"biogpt.", ""};
  rename(names, "ln_final", "layer_norm");
  rename(names, "unembed", "output_projection.weight");
  return names;
}

}  // namespace spikesink::detail
