#include "model/architectures/families.h"
#include "model/config_fields.h"

namespace spikesink::detail {

// The library's own format, for models that no other family describes.
ModelConfig read_own(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  const auto* fields = keys.find("model");
  if (fields == nullptr) keys.refuse("model", "the fields of ModelConfig");
  FieldReader(*fields, "read_model_config", keys.where("model")).read(config);
  if (config.experts.count > 0)
    keys.refuse("model", "no experts, which this format does not support");
  return config;
}

WeightNames own_names() {
  const auto same = [](std::initializer_list<const char*> names) {
    std::vector<WeightName> entries;
    for (const char* name : names) entries.push_back({name, name});
    return entries;
  };
  return {
      .first = "embed",
      .bases = {""},
      .layer = "blocks.{}.",
      .body = same({"embed", "pos_embed", "token_type_embed", "embed_ln", "project_in", "ln_final",
                    "project_out", "mlm_dense", "mlm_ln", "unembed", "unembed_bias"}),
      .in_layer = same({"ln1",
                        "ln1_post",
                        "ln2",
                        "ln2_post",
                        "attn.q",
                        "attn.k",
                        "attn.v",
                        "attn.o",
                        "attn.q_norm",
                        "attn.k_norm",
                        "attn.latent.q_down",
                        "attn.latent.q_latent_norm",
                        "attn.latent.q_up",
                        "attn.latent.kv_down",
                        "attn.latent.k_rope",
                        "attn.latent.kv_latent_norm",
                        "attn.latent.k_up",
                        "attn.latent.v_up",
                        "attn.sinks",
                        "attn.bias_key",
                        "attn.bias_value",
                        "attn.gate.map",
                        "attn.gate.logits",
                        "delta.qkv",
                        "delta.convolution",
                        "delta.decay",
                        "delta.decay_bias",
                        "delta.log_rate",
                        "delta.beta",
                        "delta.norm",
                        "delta.gate",
                        "delta.o",
                        "mlp",
                        "mlp.gate",
                        "mlp.up",
                        "mlp.down"})};
}

}  // namespace spikesink::detail
