#include <cmath>

#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"

// BioGPT and XGLM: OPT's layers, with scaled embeddings.

namespace spikesink::detail {
namespace {

// XGLM's table of positions. Row r is [sin(r f), cos(r f)], with the frequencies f_i =
// 10000^(-i / (d_model / 2 - 1)).
torch::Tensor sinusoids(const ModelConfig& config) {
  const int64_t half = config.d_model / 2;
  const auto options = torch::TensorOptions(torch::kDouble);
  const auto exponents = at::arange(half, options) / static_cast<double>(half - 1);
  const auto rows = at::arange(config.context + config.position_offset, options);
  const auto angles = at::outer(rows, at::pow(10000.0, -exponents));
  return at::cat({angles.sin(), angles.cos()}, 1);
}

}  // namespace

// Whatever the file says, the norms' epsilon is 1e-5.
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

ModelConfig read_xglm(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  config.n_layers = keys.integer("num_layers");
  config.d_model = keys.integer("d_model");
  if (config.d_model < 4 || config.d_model % 2 != 0)
    keys.refuse("d_model", "an even number from 4");
  config.d_mlp = keys.integer("ffn_dim");
  config.n_heads = config.n_key_value_heads = keys.integer("attention_heads");
  config.d_head = even_head_width(config);
  config.d_vocabulary = keys.integer("vocab_size");
  config.context = keys.integer("max_position_embeddings", 2048);
  constexpr int64_t kMaxContext = 1 << 20;  // the table is computed, whatever the file holds
  if (config.context > kMaxContext) keys.refuse("max_position_embeddings", "at most 1048576");
  config.learned_positions = true;
  config.position_offset = 2;
  // The row of this id is zero.
  if (keys.integer("pad_token_id", 1) > 1)
    keys.refuse("pad_token_id", "0 or 1, which are no positions");
  if (keys.flag("scale_embedding", true))
    config.embedding_multiplier = std::sqrt(static_cast<double>(config.d_model));
  config.norm = config.final_norm = layer_norm(1e-5);
  config.gated = false;
  config.activation.kind = read_activation(keys, "activation_function", "gelu");
  config.qkv_bias = config.attention_output_bias = config.mlp_bias = true;
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  keys.ignore({"activation_dropout"});
  return config;
}

WeightNames xglm_names() {
  auto names = opt_names();
  names.bases = {"model.", ""};
  rename(names, "ln_final", "layer_norm");
  names.computed = {{"pos_embed", sinusoids}};
  names.superfluous = {"*embed_positions.weights"};
  return names;
}

}  // namespace spikesink::detail
