#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"
#include "model/architectures/layer_names.h"

namespace spikesink::detail {

// No biases, also not in norms. Options that transformers' MPT does not support are refused.
ModelConfig read_mpt(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  config.n_layers = keys.integer("n_layers");
  config.d_model = keys.integer("d_model");
  config.d_mlp = four_widths(config);
  keys.expect("expansion_ratio", 4);
  config.n_heads = config.n_key_value_heads = keys.integer("n_heads");
  config.d_head = even_head_width(config);
  config.d_vocabulary = keys.integer("vocab_size");
  config.context = keys.integer("max_seq_len", 2048);
  config.norm = layer_norm(keys.number("layer_norm_epsilon", 1e-5));
  config.norm.has_bias = false;
  config.final_norm = config.norm;
  config.gated = false;
  config.activation.kind = Activation::kGelu;
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  // transformers ignores what follows; the published code of these models does not.
  keys.expect("no_bias", true);
  keys.expect("logit_scale", nullptr);
  keys.ignore({"learned_pos_emb", "norm_type", "init_device", "embedding_fraction", "init_config",
               "tokenizer_name", "verbose", "use_pad_tok_in_ffn"});

  auto attention = keys.object("attn_config", "mpt.attn_config");
  attention.expect("attn_type", "multihead_attention");
  attention.expect("alibi", true);
  attention.expect("alibi_bias_max", 8);
  for (const char* key : {"qk_ln", "prefix_lm", "attn_uses_sequence_id"})
    attention.expect(key, false);
  config.alibi = Alibi::kExact;
  config.attention_scale = attention.number("softmax_scale", 0);
  config.qkv_clip = attention.number("clip_qkv", 0);
  attention.ignore({"attn_pdrop", "attn_impl"});
  ignore_housekeeping(attention);
  attention.refuse_or_ignore_unread();
  return config;
}

WeightNames mpt_names() {
  return {
      .first = "wte.weight",
      .bases = {"transformer.", ""},
      .layer = "blocks.{}.",
      .body = {{"embed", "wte.weight"}, {"ln_final", "norm_f"}},
      .in_layer =
          stacked_attention("attn.Wqkv") + std::vector<WeightName>{{"ln1", "norm_1"},
                                                                   {"ln2", "norm_2"},
                                                                   {"attn.o", "attn.out_proj"},
                                                                   {"mlp.up", "ffn.up_proj"},
                                                                   {"mlp.down", "ffn.down_proj"}},
      .end = {{"unembed", "lm_head.weight"}},
      .superfluous = {},
  };
}

}  // namespace spikesink::detail
