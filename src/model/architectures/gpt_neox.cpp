#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"
#include "model/architectures/layer_names.h"

namespace spikesink::detail {

ModelConfig read_gpt_neox(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  read_sizes(keys, config);
  config.norm = config.final_norm = layer_norm(keys.number("layer_norm_eps", 1e-5));
  config.residual = keys.flag("use_parallel_residual", true) ? ResidualForm::kParallelOwnNorms
                                                             : ResidualForm::kSequential;
  const RopeDefaults legacy{.theta = keys.number("rotary_emb_base", 10000.0),
                            .fraction = keys.number("rotary_pct", 0.25),
                            .partial = true,
                            .outer_keys = false};
  config.ropes = {read_rope(keys, config, legacy)};
  config.gated = false;
  config.activation.kind = read_activation(keys, "hidden_act", "gelu");
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", true);
  config.mlp_bias = true;
  config.tied_embeddings = keys.flag("tie_word_embeddings", false);
  keys.ignore({"is_decoder"});
  return config;
}

WeightNames gpt_neox_names() {
  return {
      .first = "embed_in.weight",
      .bases = {"gpt_neox.", ""},
      .layer = "layers.{}.",
      .body = {{"embed", "embed_in.weight"}, {"ln_final", "final_layer_norm"}},
      .in_layer = megatron_layer("attention"),
      .end = {{"unembed", "embed_out.weight"}, {"unembed", "lm_head.weight"}},
      .superfluous = {"*.attention.bias", "*.attention.masked_bias", "*.rotary_emb.inv_freq"},
  };
}

}  // namespace spikesink::detail
