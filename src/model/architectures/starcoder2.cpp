#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// LayerNorms, feed-forwards of two matrices, biases.
ModelConfig read_starcoder2(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5, {}, {.n_key_value_heads = 2});
  config.norm = config.final_norm = layer_norm(keys.number("norm_epsilon", 1e-5));
  const bool bias = keys.flag("use_bias", true);
  config.qkv_bias = config.attention_output_bias = config.mlp_bias = bias;
  config.gated = false;
  config.activation.kind = read_activation(keys, "hidden_act", "gelu_pytorch_tanh");
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  read_common_window(keys, config);
  keys.ignore({"residual_dropout", "embedding_dropout"});
  return config;
}

WeightNames starcoder2_names() {
  auto names = llama_names();
  rename(names, "mlp.up", "mlp.c_fc");
  rename(names, "mlp.down", "mlp.c_proj");
  return names;
}

ModelConfig read_gguf_starcoder2(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "starcoder2");
  config.norm = config.final_norm = read_gguf_layer_norm(keys);
  config.ropes = {read_gguf_rope(keys, config)};
  config.gated = false;
  config.activation.kind = Activation::kGeluTanh;
  return config;
}

}  // namespace spikesink::detail
