#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/layer_names.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// Parallel attention and feed-forward with one shared LayerNorm; biases everywhere.
ModelConfig read_phi(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  read_sizes(keys, config);
  config.norm = config.final_norm = layer_norm(keys.number("layer_norm_eps", 1e-5));
  config.residual = ResidualForm::kParallelSharedNorm;
  config.ropes = {read_rope(keys, config, {.fraction = 0.5, .partial = true})};
  config.gated = false;
  config.activation.kind = read_activation(keys, "hidden_act", "gelu_new");
  config.qkv_bias = config.attention_output_bias = config.mlp_bias = true;
  config.unembedding_bias = true;
  if (keys.flag("qk_layernorm", false)) {
    config.qk_norm = QkNorm::kPerHead;
    config.qk_norm_config = config.norm;
  }
  config.tied_embeddings = keys.flag("tie_word_embeddings", false);
  return config;
}

WeightNames phi_names() {
  auto names = llama_names();
  names.body = {{"embed", "embed_tokens.weight"}, {"ln_final", "final_layernorm"}};
  names.in_layer = {{"ln1", "input_layernorm"},
                    {"attn.q", "self_attn.q_proj"},
                    {"attn.k", "self_attn.k_proj"},
                    {"attn.v", "self_attn.v_proj"},
                    {"attn.o", "self_attn.dense"},
                    {"attn.q_norm", "self_attn.q_layernorm"},
                    {"attn.k_norm", "self_attn.k_layernorm"},
                    {"mlp.up", "mlp.fc1"},
                    {"mlp.down", "mlp.fc2"}};
  names.end.push_back({"unembed_bias", "lm_head.bias"});
  return names;
}

ModelConfig read_phi3(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5, {.partial = true});
  read_common_window(keys, config);
  return config;
}

ModelConfig read_gguf_phi3(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "phi3");
  config.norm = config.final_norm = read_gguf_rms_norm(keys);
  config.ropes = {read_gguf_rope(keys, config)};
  const auto window = keys.integer("attention.sliding_window", 0);
  for (auto& layer : each_layer(config)) layer.window = window;
  return config;
}

WeightNames gguf_phi3_names() {
  auto names = gguf_names();
  names.in_layer =
      stacked_attention("attn_qkv") +
      std::vector<WeightName>{{"mlp.gate", "ffn_up", half(0)}, {"mlp.up", "ffn_up", half(1)}} +
      names.in_layer;
  return names;
}

WeightNames phi3_names() {
  auto names = llama_names();
  names.in_layer = stacked_attention("self_attn.qkv_proj") +
                   std::vector<WeightName>{{"ln1", "input_layernorm"},
                                           {"ln2", "post_attention_layernorm"},
                                           {"attn.o", "self_attn.o_proj"},
                                           {"mlp.gate", "mlp.gate_up_proj", half(0)},
                                           {"mlp.up", "mlp.gate_up_proj", half(1)},
                                           {"mlp.down", "mlp.down_proj"}};
  return names;
}

}  // namespace spikesink::detail
