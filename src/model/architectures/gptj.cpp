#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"
#include "model/architectures/layer_names.h"

namespace spikesink::detail {
namespace {

// CodeGen was trained in four parts; each has its rows of the queries, the values and the keys.
Extract part_of_each_quarter(QkvPart part) {
  return [part](const auto& stored, const auto&, int64_t) {
    const int64_t index = part == QkvPart::kQuery ? 0 : part == QkvPart::kValue ? 1 : 2;
    return stored.unflatten(0, {4, 3, -1}).select(1, index).flatten(0, 1);
  };
}

WeightNames gptj_like_names(const std::vector<WeightName>& attention) {
  WeightNames names{
      .first = "wte.weight",
      .bases = {"transformer.", ""},
      .layer = "h.{}.",
      .body = {{"embed", "wte.weight"}, {"ln_final", "ln_f"}},
      .in_layer = attention + std::vector<WeightName>{{"ln1", "ln_1"},
                                                      {"attn.o", "attn.out_proj"},
                                                      {"mlp.up", "mlp.fc_in"},
                                                      {"mlp.down", "mlp.fc_out"}},
      .end = {{"unembed", "lm_head.weight"}, {"unembed_bias", "lm_head.bias"}},
      .superfluous = {"*.attn.bias", "*.attn.masked_bias", "*.attn.causal_mask"},
  };
  reorder_interleaved(names.in_layer);
  return names;
}

}  // namespace

// GPT-J and CodeGen: parallel blocks with one norm; RoPE rotates adjacent channels.
ModelConfig read_gptj(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  config.n_layers = keys.integer("n_layer");
  config.d_model = keys.integer("n_embd");
  config.d_mlp = keys.integer("n_inner", four_widths(config));
  config.n_heads = config.n_key_value_heads = keys.integer("n_head");
  config.d_head = even_head_width(config);
  config.d_vocabulary = keys.integer("vocab_size");
  config.context = keys.integer("n_positions");
  config.norm = config.final_norm = layer_norm(keys.number("layer_norm_epsilon", 1e-5));
  config.residual = ResidualForm::kParallelSharedNorm;
  config.ropes = {{.dimensions = keys.integer("rotary_dim", 64)}};
  if (config.ropes.front().dimensions < 1) keys.refuse("rotary_dim", "a positive number");
  config.gated = false;
  config.activation.kind = read_activation(keys, "activation_function", "gelu_new");
  config.mlp_bias = config.unembedding_bias = true;
  config.tied_embeddings = keys.flag("tie_word_embeddings", false);
  keys.ignore({"n_ctx", "rotary", "scale_attn_weights", "summary_type", "summary_use_proj",
               "summary_activation", "summary_proj_to_labels", "summary_first_dropout",
               "tokenizer_class"});
  return config;
}

WeightNames gptj_names() {
  return gptj_like_names(
      {{"attn.q", "attn.q_proj"}, {"attn.k", "attn.k_proj"}, {"attn.v", "attn.v_proj"}});
}

WeightNames codegen_names() {
  return gptj_like_names({{"attn.q", "attn.qkv_proj", part_of_each_quarter(QkvPart::kQuery)},
                          {"attn.k", "attn.qkv_proj", part_of_each_quarter(QkvPart::kKey)},
                          {"attn.v", "attn.qkv_proj", part_of_each_quarter(QkvPart::kValue)}});
}

}  // namespace spikesink::detail
