#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/layer_names.h"

namespace spikesink::detail {
namespace {

ResidualForm read_residual(ConfigKeys& keys, bool new_architecture) {
  const bool parallel = keys.flag("parallel_attn", true);
  const auto norms = keys.integer("num_ln_in_parallel_attn", new_architecture ? 2 : 1);
  if (new_architecture && !parallel)
    keys.refuse("parallel_attn", "true with new_decoder_architecture");
  if (parallel && norms != 1 && !(norms == 2 && new_architecture))
    keys.refuse("num_ln_in_parallel_attn", "1, or 2 with new_decoder_architecture");
  if (!parallel) return ResidualForm::kSequential;
  return norms == 2 ? ResidualForm::kParallelOwnNorms : ResidualForm::kParallelSharedNorm;
}

}  // namespace

ModelConfig read_falcon(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  config.n_layers = keys.integer("num_hidden_layers");
  config.d_model = keys.integer("hidden_size");
  config.d_mlp = keys.integer("ffn_hidden_size", four_widths(config));
  config.n_heads = keys.integer("num_attention_heads");
  config.d_head = even_head_width(config);
  config.d_vocabulary = keys.integer("vocab_size");
  config.context = keys.integer("max_position_embeddings", 2048);
  const bool new_architecture = keys.flag("new_decoder_architecture", false);
  const bool one_key_head = keys.flag("multi_query", true);
  const auto key_heads = keys.integer("num_kv_heads", config.n_heads);
  config.n_key_value_heads = new_architecture ? key_heads : one_key_head ? 1 : config.n_heads;
  config.residual = read_residual(keys, new_architecture);
  config.norm = config.final_norm = layer_norm(keys.number("layer_norm_epsilon", 1e-5));
  const auto rope = read_rope(keys, config);
  if (keys.flag("alibi", false)) {
    config.alibi = Alibi::kFalcon;
  } else {
    config.ropes = {rope};
  }
  config.gated = false;
  config.activation.kind = read_activation(keys, "activation", "gelu");
  const bool bias = keys.flag("bias", false);
  config.qkv_bias = config.attention_output_bias = config.mlp_bias = bias;
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  return config;
}

// Only the models with parallel blocks. GGUF orders the fused rows as queries, keys, values.
ModelConfig read_gguf_falcon(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "falcon");
  config.norm = config.final_norm = read_gguf_layer_norm(keys);
  config.residual = keys.file().contains("blk.0.attn_norm_2.weight")
                        ? ResidualForm::kParallelOwnNorms
                        : ResidualForm::kParallelSharedNorm;
  config.ropes = {read_gguf_rope(keys, config)};
  config.gated = false;
  config.activation.kind = Activation::kGelu;
  return config;
}

WeightNames gguf_falcon_names() {
  auto names = gguf_names();
  names.in_layer = std::vector<WeightName>{{"ln1", "attn_norm_2"}, {"ln2", "attn_norm"}} +
                   stacked_attention("attn_qkv") + names.in_layer;
  return names;
}

WeightNames falcon_names() {
  return {
      .first = "word_embeddings.weight",
      .bases = {"transformer.", ""},
      .layer = "h.{}.",
      .body = {{"embed", "word_embeddings.weight"}, {"ln_final", "ln_f"}},
      .in_layer = megatron_layer("self_attention") +
                  std::vector<WeightName>{{"ln1", "ln_attn"}, {"ln2", "ln_mlp"}},
      .end = {{"unembed", "lm_head.weight"}},
      .superfluous = {"*.rotary_emb.inv_freq", "*.maybe_rotary.inv_freq"},
  };
}

}  // namespace spikesink::detail
