#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"
#include "model/architectures/layer_names.h"

namespace spikesink::detail {
namespace {

// The first of the two keys that is present.
int64_t integer_named(ConfigKeys& keys, std::string_view current, std::string_view legacy) {
  return keys.has(current) ? keys.integer(current) : keys.integer(legacy);
}

}  // namespace

ModelConfig read_bloom(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  config.n_layers = integer_named(keys, "n_layer", "num_hidden_layers");
  config.d_model = integer_named(keys, "hidden_size", "n_embed");
  config.d_mlp = four_widths(config);
  config.n_heads = integer_named(keys, "n_head", "num_attention_heads");
  config.n_key_value_heads = config.n_heads;
  config.d_head = even_head_width(config);
  config.d_vocabulary = keys.integer("vocab_size");
  config.context = keys.integer("seq_length", 2048);
  config.norm = layer_norm(keys.number("layer_norm_epsilon", 1e-5));
  config.embedding_norm = config.final_norm = config.norm;
  config.alibi = Alibi::kExact;
  config.gated = false;
  config.activation.kind = Activation::kGeluTanh;
  config.qkv_bias = config.attention_output_bias = config.mlp_bias = true;
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  // True means that the residual is the normalised input. No published checkpoint uses it.
  if (keys.flag("apply_residual_connection_post_layernorm", false))
    keys.refuse("apply_residual_connection_post_layernorm", "false");
  keys.ignore({"num_hidden_layers", "num_attention_heads", "n_embed", "n_inner", "slow_but_exact",
               "attention_softmax_in_fp32", "bias_dropout_fusion", "masked_softmax_fusion",
               "offset_alibi", "skip_bias_add", "skip_bias_add_qkv", "unk_token_id"});
  return config;
}

WeightNames bloom_names() {
  return {
      .first = "word_embeddings.weight",
      .bases = {"transformer.", ""},
      .layer = "h.{}.",
      .body = {{"embed", "word_embeddings.weight"},
               {"embed_ln", "word_embeddings_layernorm"},
               {"ln_final", "ln_f"}},
      .in_layer = megatron_layer("self_attention"),
      .end = {{"unembed", "lm_head.weight"}},
      .superfluous = {},
  };
}

}  // namespace spikesink::detail
