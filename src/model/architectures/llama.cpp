#include "model/architectures/llama.h"

#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/layer_names.h"

namespace spikesink::detail {

ModelConfig read_llama_like(ConfigKeys& keys, double norm_epsilon, const RopeDefaults& rope,
                            ModelConfig config) {
  config.model_type = keys.text("model_type");
  read_sizes(keys, config);
  config.norm = config.final_norm = rms_norm(keys.number("rms_norm_eps", norm_epsilon));
  config.activation.kind = read_activation(keys, "hidden_act", "silu");
  config.tied_embeddings = keys.flag("tie_word_embeddings", false);
  config.ropes = {read_rope(keys, config, rope)};
  return config;
}

WeightNames llama_names() {
  return {
      .first = "embed_tokens.weight",
      .bases = {"model.", "", "language_model.model.", "model.language_model."},
      .layer = "layers.{}.",
      .body = {{"embed", "embed_tokens.weight"}, {"ln_final", "norm"}},
      .in_layer = {{"ln1", "input_layernorm"},
                   {"ln2", "post_attention_layernorm"},
                   {"attn.q", "self_attn.q_proj"},
                   {"attn.k", "self_attn.k_proj"},
                   {"attn.v", "self_attn.v_proj"},
                   {"attn.o", "self_attn.o_proj"},
                   {"attn.q_norm", "self_attn.q_norm"},
                   {"attn.k_norm", "self_attn.k_norm"},
                   {"mlp.gate", "mlp.gate_proj"},
                   {"mlp.up", "mlp.up_proj"},
                   {"mlp.down", "mlp.down_proj"}},
      .end = {{"unembed", "lm_head.weight"}},
      .superfluous = {"*.rotary_emb.inv_freq"},
  };
}

WeightNames interleaved_llama_names() {
  auto names = llama_names();
  reorder_interleaved(names.in_layer);
  return names;
}

ModelConfig read_llama(ConfigKeys& keys) {
  return read_llama_with_sizes(keys, {.context = 2048});  // the first files do not say it
}

ModelConfig read_llama_with_sizes(ConfigKeys& keys, ModelConfig sizes) {
  auto config = read_llama_like(keys, 1e-6, {}, std::move(sizes));
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.mlp_bias = keys.flag("mlp_bias", false);
  return config;
}

ModelConfig read_mistral(ConfigKeys& keys) {
  auto config = read_llama_like(keys);
  read_common_window(keys, config, 4096);
  return config;
}

ModelConfig read_granite(ConfigKeys& keys) {
  auto config = read_llama(keys);
  config.embedding_multiplier = keys.number("embedding_multiplier", 1);
  config.residual_multiplier = keys.number("residual_multiplier", 1);
  config.attention_scale = keys.number("attention_multiplier", 1);
  const double scaling = keys.number("logits_scaling", 1);
  if (!(scaling > 0)) keys.refuse("logits_scaling", "a positive number");
  config.logit_multiplier = 1 / scaling;
  return config;
}

ModelConfig read_smollm3(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-6, {.theta = 2000000.0});
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.mlp_bias = keys.flag("mlp_bias", false);
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  auto& layers = each_layer(config);
  const auto interval = keys.integer("no_rope_layer_interval", 4);
  const bool listed = keys.has("no_rope_layers");
  const auto rope_flags = listed ? keys.integers("no_rope_layers") : std::vector<int64_t>();
  if (listed && rope_flags.size() != layers.size())
    keys.refuse("no_rope_layers", "one for each layer");
  if (!listed && interval < 1) keys.refuse("no_rope_layer_interval", "a positive number");
  for (size_t number = 0; number < layers.size(); ++number) {
    const bool has_rope =
        listed ? rope_flags[number] != 0 : (static_cast<int64_t>(number) + 1) % interval != 0;
    if (!has_rope) layers[number].rope = LayerConfig::kNoRope;
  }
  const bool slides = keys.flag("use_sliding_window", false);
  const auto window = keys.integer("sliding_window", 0);
  read_windows(keys, config, slides ? window : 0, [&](int64_t layer) {
    return layers[static_cast<size_t>(layer)].rope == LayerConfig::kNoRope;
  });
  return config;
}

// Llama and Mistral, which GGUF does not distinguish.
ModelConfig read_gguf_llama(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "llama");
  config.norm = config.final_norm = read_gguf_rms_norm(keys);
  config.ropes = {read_gguf_rope(keys, config)};
  return config;
}

}  // namespace spikesink::detail
