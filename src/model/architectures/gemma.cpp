#include <cmath>

#include "detail/fail.h"
#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/layer_names.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {
namespace {

// Norms with the scale 1 + weight, GeGLU, embeddings multiplied by sqrt(d_model). `config` has
// defaults for sizes.
void read_every_gemma(ConfigKeys& keys, ModelConfig& config) {
  read_sizes(keys, config);
  config.norm = {.kind = NormKind::kRmsNorm,
                 .epsilon = keys.number("rms_norm_eps", 1e-6),
                 .scale_plus_one = true,
                 .scale_in_float32 = true};
  config.final_norm = config.norm;
  config.embedding_multiplier = std::sqrt(static_cast<double>(config.d_model));
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  if (keys.flag("use_bidirectional_attention", false))
    keys.refuse("use_bidirectional_attention", "false: only causal attention is supported");
}

// Sandwich norms.
ModelConfig read_gemma_2_or_3(ConfigKeys& keys) {
  ModelConfig config;  // with defaults for sizes that `text_config` omits
  config.model_type = keys.text("model_type");
  config.n_heads = 8;
  config.n_key_value_heads = 4;
  config.d_head = 256;
  config.d_vocabulary = config.model_type == "gemma2" ? 256000 : 262208;
  config.context = config.model_type == "gemma2" ? 8192 : 131072;
  read_every_gemma(keys, config);
  config.norm_placement = NormPlacement::kSandwich;
  keys.ignore({"hidden_act"});  // an old key that transformers does not read
  config.activation.kind = read_activation(keys, "hidden_activation", "gelu_pytorch_tanh");
  const double scalar = keys.number("query_pre_attn_scalar", 256);
  if (!(scalar > 0)) keys.refuse("query_pre_attn_scalar", "a positive number");
  config.attention_scale = 1 / std::sqrt(scalar);
  config.attention_softcap = keys.number("attn_logit_softcapping", 0);
  config.logit_softcap = keys.number("final_logit_softcapping", 0);
  keys.ignore({"cache_implementation"});
  return config;
}

}  // namespace

ModelConfig read_gemma(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  config.d_head = 256;
  read_every_gemma(keys, config);
  config.activation.kind = read_activation(keys, "hidden_act", "gelu_pytorch_tanh");
  // The first files say "gelu", and mean the approximation.
  if (config.activation.kind == Activation::kGelu) config.activation.kind = Activation::kGeluTanh;
  keys.ignore_unless("hidden_activation", "gelu_pytorch_tanh");
  config.ropes = {read_rope(keys, config)};
  return config;
}

ModelConfig read_gemma2(ConfigKeys& keys) {
  auto config = read_gemma_2_or_3(keys);
  config.ropes = {read_rope(keys, config)};
  read_windows(keys, config, keys.integer("sliding_window", 4096),
               [](int64_t layer) { return layer % 2 == 0; });
  return config;
}

ModelConfig read_gemma3_text(ConfigKeys& keys) {
  auto config = read_gemma_2_or_3(keys);
  config.ropes = read_ropes_by_layer_type(keys, config, 1000000.0, "rope_local_base_freq", 10000.0);
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  const auto legacy = keys.integer("_sliding_window_pattern", 6);
  const auto period = keys.integer("sliding_window_pattern", legacy);
  if (period < 1) keys.refuse("sliding_window_pattern", "a positive number");
  read_windows(keys, config, keys.integer("sliding_window", 4096),
               [&](int64_t layer) { return (layer + 1) % period != 0; });
  for (auto& layer : config.layers) layer.rope = layer.window > 0 ? 1 : 0;
  return config;
}

// A multimodal model: reads only its language model.
ModelConfig read_gemma3(ConfigKeys& keys) {
  auto config = read_text_config(keys, "gemma3_text", read_gemma3_text);
  const bool tied = keys.flag("tie_word_embeddings", true);
  config.tied_embeddings = config.tied_embeddings && tied;
  keys.ignore({"vision_config", "mm_tokens_per_image", "boi_token_index", "eoi_token_index",
               "image_token_index", "image_token_id", "vocab_size"});
  return config;
}

namespace {

// GGUF stores norm scales with the one added.
ModelConfig read_gguf_every_gemma(GgufKeys& keys, const std::string& model_type) {
  auto config = read_gguf_sizes(keys, model_type);
  config.norm = read_gguf_rms_norm(keys);
  config.norm.scale_in_float32 = true;
  config.final_norm = config.norm;
  config.embedding_multiplier = std::sqrt(static_cast<double>(config.d_model));
  config.activation.kind = Activation::kGeluTanh;
  return config;
}

// GGUF does not store the scale of the dot products. That
// is 1 / sqrt(d_head), except in the largest model of each family, with `largest_depth` layers,
// where it is 1 / sqrt(d_model / n_heads).
ModelConfig read_gguf_gemma_2_or_3(GgufKeys& keys, const std::string& model_type,
                                   int64_t largest_depth) {
  auto config = read_gguf_every_gemma(keys, model_type);
  config.norm_placement = NormPlacement::kSandwich;
  if (config.n_layers == largest_depth && config.n_heads > 0) {
    const int64_t width = config.d_model / config.n_heads;
    config.attention_scale = 1 / std::sqrt(static_cast<double>(width));
  }
  return config;
}

}  // namespace

ModelConfig read_gguf_gemma(GgufKeys& keys) {
  auto config = read_gguf_every_gemma(keys, "gemma");
  config.ropes = {read_gguf_rope(keys, config)};
  return config;
}

// Files of June 2024 lack the soft caps, which every Gemma 2 has.
ModelConfig read_gguf_gemma2(GgufKeys& keys) {
  auto config = read_gguf_gemma_2_or_3(keys, "gemma2", 46);
  config.attention_softcap = keys.number("attn_logit_softcapping", 50);
  config.logit_softcap = keys.number("final_logit_softcapping", 30);
  config.ropes = {read_gguf_rope(keys, config)};
  read_gguf_windows(keys, config, keys.integer("attention.sliding_window", 4096), 2);
  read_gguf_sliding_rope(keys, config, config.ropes.front());
  return config;
}

ModelConfig read_gguf_gemma3(GgufKeys& keys) {
  auto config = read_gguf_gemma_2_or_3(keys, "gemma3_text", 62);
  config.attention_softcap = keys.number("attn_logit_softcapping", 0);
  config.logit_softcap = keys.number("final_logit_softcapping", 0);
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  config.ropes = {read_gguf_rope(keys, config)};
  read_gguf_windows(keys, config, keys.integer("attention.sliding_window", 0), 6);
  // Of the file's scaling, the layers with a window have only the factor of cosine and sine.
  const RopeScaling scaling = {.attention_factor = keys.number("rope.scaling.attn_factor", 1)};
  read_gguf_sliding_rope(keys, config,
                         {.dimensions = config.ropes.front().dimensions, .scaling = scaling});
  return config;
}

WeightNames gguf_gemma_names() {
  auto names = gguf_names();
  names.in_layer =
      std::move(names.in_layer) +
      std::vector<WeightName>{{"ln1_post", "post_attention_norm"}, {"ln2_post", "post_ffw_norm"}};
  return names;
}

WeightNames gemma_names() {
  auto names = llama_names();
  rename(names, "ln2", "pre_feedforward_layernorm");
  names.in_layer = std::move(names.in_layer) +
                   std::vector<WeightName>{{"ln1_post", "post_attention_layernorm"},
                                           {"ln2_post", "post_feedforward_layernorm"}};
  add_multimodal_names(names);
  return names;
}

}  // namespace spikesink::detail
