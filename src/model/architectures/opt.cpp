#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"

namespace spikesink::detail {

// Learned positions start at row 2. Only the 350M model is post-norm and projects its embeddings.
ModelConfig read_opt(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  config.n_layers = keys.integer("num_hidden_layers");
  config.d_model = keys.integer("hidden_size");
  config.d_mlp = keys.integer("ffn_dim");
  config.n_heads = config.n_key_value_heads = keys.integer("num_attention_heads");
  config.d_head = even_head_width(config);
  config.d_vocabulary = keys.integer("vocab_size");
  config.d_embedding = keys.integer("word_embed_proj_dim", config.d_model);
  config.context = keys.integer("max_position_embeddings");
  config.learned_positions = true;
  config.position_offset = 2;
  config.norm = layer_norm(1e-5);
  config.norm.has_scale = config.norm.has_bias = keys.flag("layer_norm_elementwise_affine", true);
  config.final_norm = config.norm;
  const bool without_final_norm = keys.flag("_remove_final_layer_norm", false);
  const bool pre_norm = keys.flag("do_layer_norm_before", true);
  if (!pre_norm) config.norm_placement = NormPlacement::kPost;
  if (!pre_norm || without_final_norm) config.final_norm.kind = NormKind::kNone;
  config.gated = false;
  config.activation.kind = read_activation(keys, "activation_function", "relu");
  const bool bias = keys.flag("enable_bias", true);
  config.qkv_bias = config.attention_output_bias = config.mlp_bias = bias;
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  return config;
}

WeightNames opt_names() {
  return {
      .first = "embed_tokens.weight",
      .bases = {"model.decoder.", "decoder.", ""},
      .layer = "layers.{}.",
      .body = {{"embed", "embed_tokens.weight"},
               {"pos_embed", "embed_positions.weight"},
               {"project_in", "project_in"},
               {"project_out", "project_out"},
               {"ln_final", "final_layer_norm"}},
      .in_layer = {{"ln1", "self_attn_layer_norm"},
                   {"ln2", "final_layer_norm"},
                   {"attn.q", "self_attn.q_proj"},
                   {"attn.k", "self_attn.k_proj"},
                   {"attn.v", "self_attn.v_proj"},
                   {"attn.o", "self_attn.out_proj"},
                   {"mlp.up", "fc1"},
                   {"mlp.down", "fc2"}},
      .end = {{"unembed", "lm_head.weight"}},
      .superfluous = {},
  };
}

}  // namespace spikesink::detail
