#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"

namespace spikesink::detail {
namespace {

// `attention_types` is a list of [[kind, ...], repetitions].
void read_attention_types(ConfigKeys& keys, int64_t window, std::vector<LayerConfig>& layers) {
  constexpr const char* kKey = "attention_types";
  constexpr const char* kExpected = "lists of global and local, each with its repetitions";
  size_t number = 0;
  for (const auto& item : keys.array(kKey)) {
    const bool is_pair = item.is_array() && item.size() == 2 && item[0].is_array() &&
                         !item[0].empty() && is_int64(item[1]);
    if (!is_pair) keys.refuse(kKey, kExpected);
    for (int64_t turn = 0; turn < item[1].get<int64_t>(); ++turn) {
      for (const auto& kind : item[0]) {
        if (kind != "global" && kind != "local") keys.refuse(kKey, kExpected);
        if (number == layers.size()) keys.refuse(kKey, "one for each layer");
        layers[number++].window = kind == "local" ? window : 0;
      }
    }
  }
  if (number != layers.size()) keys.refuse(kKey, "one for each layer");
}

}  // namespace

// Dot products are not scaled; some layers have a window.
ModelConfig read_gpt_neo(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  config.n_layers = keys.integer("num_layers");
  config.d_model = keys.integer("hidden_size");
  config.d_mlp = keys.integer("intermediate_size", four_widths(config));
  config.n_heads = config.n_key_value_heads = keys.integer("num_heads");
  config.d_head = even_head_width(config);
  config.d_vocabulary = keys.integer("vocab_size");
  config.context = keys.integer("max_position_embeddings");
  config.learned_positions = true;
  config.norm = config.final_norm = layer_norm(keys.number("layer_norm_epsilon", 1e-5));
  config.attention_scale = 1;
  config.attention_output_bias = config.mlp_bias = true;
  config.gated = false;
  config.activation.kind = read_activation(keys, "activation_function", "gelu_new");
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  const auto window = keys.integer("window_size", 256);
  if (window < 1) keys.refuse("window_size", "a positive number");
  read_attention_types(keys, window, each_layer(config));
  keys.ignore({"attention_layers", "embed_dropout", "resid_dropout", "summary_type",
               "summary_use_proj", "summary_activation", "summary_proj_to_labels",
               "summary_first_dropout", "tokenizer_class"});
  return config;
}

WeightNames gpt_neo_names() {
  return {
      .first = "wte.weight",
      .bases = {"transformer.", ""},
      .layer = "h.{}.",
      .body = {{"embed", "wte.weight"}, {"pos_embed", "wpe.weight"}, {"ln_final", "ln_f"}},
      .in_layer = {{"ln1", "ln_1"},
                   {"ln2", "ln_2"},
                   {"attn.q", "attn.attention.q_proj"},
                   {"attn.k", "attn.attention.k_proj"},
                   {"attn.v", "attn.attention.v_proj"},
                   {"attn.o", "attn.attention.out_proj"},
                   {"mlp.up", "mlp.c_fc"},
                   {"mlp.down", "mlp.c_proj"}},
      .end = {{"unembed", "lm_head.weight"}},
      .superfluous = {"*.attn.attention.bias", "*.attn.attention.masked_bias"},
  };
}

}  // namespace spikesink::detail
