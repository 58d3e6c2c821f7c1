#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/layer_names.h"

namespace spikesink::detail {
namespace {

// The configuration that GPT and GPT-2 share.
ModelConfig read_gpt(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  config.n_layers = keys.integer("n_layer");
  config.d_model = keys.integer("n_embd");
  config.d_mlp = keys.integer("n_inner", four_widths(config));
  config.n_heads = config.n_key_value_heads = keys.integer("n_head");
  config.d_head = even_head_width(config);
  config.d_vocabulary = keys.integer("vocab_size");
  config.context = keys.integer("n_positions");
  config.learned_positions = true;
  config.norm = config.final_norm = layer_norm(keys.number("layer_norm_epsilon", 1e-5));
  config.gated = false;
  config.qkv_bias = config.attention_output_bias = config.mlp_bias = true;
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  keys.ignore({"n_ctx", "summary_type", "summary_use_proj", "summary_activation",
               "summary_proj_to_labels", "summary_first_dropout", "predict_special_tokens"});
  return config;
}

// The tensor names of a layer; matrices are stored transposed.
std::vector<WeightName> gpt_layer_names() {
  return stacked_attention("attn.c_attn", /*stored_transposed=*/true) +
         std::vector<WeightName>{{"ln1", "ln_1"},
                                 {"ln2", "ln_2"},
                                 {"attn.o", "attn.c_proj", transposed()},
                                 {"mlp.up", "mlp.c_fc", transposed()},
                                 {"mlp.down", "mlp.c_proj", transposed()}};
}

}  // namespace

ModelConfig read_gpt2(ConfigKeys& keys) {
  auto config = read_gpt(keys);
  config.activation.kind = read_activation(keys, "activation_function", "gelu_new");
  config.scale_by_layer = keys.flag("scale_attn_by_inverse_layer_idx", false);
  if (!keys.flag("scale_attn_weights", true)) config.attention_scale = 1;
  keys.ignore({"reorder_and_upcast_attn"});  // precision of products on a GPU
  return config;
}

// Post-norm, without a final norm. Its "gelu" is the tanh approximation.
ModelConfig read_openai_gpt(ConfigKeys& keys) {
  auto config = read_gpt(keys);
  config.norm_placement = NormPlacement::kPost;
  config.final_norm.kind = NormKind::kNone;
  config.activation.kind = read_activation(keys, "afn", "gelu");
  if (config.activation.kind == Activation::kGelu) config.activation.kind = Activation::kGeluTanh;
  return config;
}

WeightNames gpt2_names() {
  return {
      .first = "wte.weight",
      .bases = {"transformer.", ""},
      .layer = "h.{}.",
      .body = {{"embed", "wte.weight"}, {"pos_embed", "wpe.weight"}, {"ln_final", "ln_f"}},
      .in_layer = gpt_layer_names(),
      .end = {{"unembed", "lm_head.weight"}},
      .superfluous = {"*.attn.bias", "*.attn.masked_bias"},
      .transposed_layers = true,
  };
}

ModelConfig read_gguf_gpt2(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "gpt2");
  config.norm = config.final_norm = read_gguf_layer_norm(keys);
  config.learned_positions = true;
  config.gated = false;
  config.activation.kind = Activation::kGeluTanh;
  return config;
}

// GGUF stores the matrices [out, in].
WeightNames gguf_gpt2_names() {
  auto names = gguf_names();
  names.in_layer = stacked_attention("attn_qkv") + names.in_layer;
  return names;
}

WeightNames openai_gpt_names() {
  return {
      .first = "tokens_embed.weight",
      .bases = {"transformer.", ""},
      .layer = "h.{}.",
      .body = {{"embed", "tokens_embed.weight"}, {"pos_embed", "positions_embed.weight"}},
      .in_layer = gpt_layer_names(),
      .end = {{"unembed", "lm_head.weight"}},
      .superfluous = {"*.attn.bias"},
      .transposed_layers = true,
  };
}

}  // namespace spikesink::detail
