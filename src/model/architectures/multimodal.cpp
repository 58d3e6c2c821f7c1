#include "model/architectures/families.h"
#include "model/architectures/layer_names.h"
#include "model/architectures/llama.h"

// Models with images, of which the language model is read. Text alone has one position a token, so
// that RoPE in several dimensions is plain RoPE.

namespace spikesink::detail {
namespace {

void ignore_images(ConfigKeys& keys) {
  keys.ignore({"vision_config", "image_token_index", "image_token_id", "video_token_id",
               "vision_start_token_id", "vision_end_token_id", "vision_token_id",
               "image_seq_length", "projector_hidden_act", "vision_feature_select_strategy",
               "vision_feature_layer", "multimodal_projector_bias", "spatial_merge_size",
               "vocab_size", "pad_token_id", "ignore_index"});
}

// With the sizes of LlamaConfig, which files leave out.
ModelConfig read_text_llama(ConfigKeys& keys) {
  return read_llama_with_sizes(keys, {.n_layers = 32,
                                      .d_model = 4096,
                                      .d_mlp = 11008,
                                      .d_vocabulary = 32000,
                                      .context = 2048,
                                      .n_heads = 32});
}

ModelConfig read_text_mistral(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-6, {},
                                {.n_layers = 32,
                                 .d_model = 4096,
                                 .d_mlp = 14336,
                                 .d_vocabulary = 32000,
                                 .context = 131072,
                                 .n_heads = 32,
                                 .n_key_value_heads = 8});
  read_common_window(keys, config, 4096);
  return config;
}

// A language model of a family with Llama's tensor names.
ModelConfig read_text_model(ConfigKeys& keys) {
  const auto type = keys.object("text_config", "").text("model_type", "");
  ignore_images(keys);
  if (type == "llama") return read_text_config(keys, type, read_text_llama);
  if (type == "mistral") return read_text_config(keys, type, read_text_mistral);
  if (type == "ministral3") return read_text_config(keys, type, read_ministral3);
  if (type == "qwen2") return read_text_config(keys, type, read_qwen2);
  if (type == "qwen3") return read_text_config(keys, type, read_qwen3);
  keys.refuse("text_config", "one with model_type llama, mistral, ministral3, qwen2 or qwen3");
}

// In the format of transformers 4 the language model's keys are not in an object of their own.
ModelConfig read_flat_or_text(ConfigKeys& keys, const std::string& text_type,
                              ModelConfig (*read_config)(ConfigKeys& keys)) {
  ignore_images(keys);
  return keys.has("text_config") ? read_text_config(keys, text_type, read_config)
                                 : read_config(keys);
}

bool is_tied(ConfigKeys& keys, const ModelConfig& text) {
  return keys.flag("tie_word_embeddings", false) || text.tied_embeddings;
}

}  // namespace

ModelConfig read_llava(ConfigKeys& keys) {
  auto config = read_text_model(keys);
  config.tied_embeddings = is_tied(keys, config);
  return config;
}

ModelConfig read_mistral3(ConfigKeys& keys) {
  auto config = read_text_model(keys);
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  return config;
}

ModelConfig read_qwen2_vl(ConfigKeys& keys) {
  auto config = read_flat_or_text(keys, "qwen2_vl_text", read_qwen2_vl_text);
  config.tied_embeddings = is_tied(keys, config);
  return config;
}

ModelConfig read_qwen2_5_vl(ConfigKeys& keys) {
  auto config = read_flat_or_text(keys, "qwen2_5_vl_text", read_qwen2_vl_text);
  config.tied_embeddings = is_tied(keys, config);
  return config;
}

ModelConfig read_qwen3_vl(ConfigKeys& keys) {
  ignore_images(keys);
  auto config = read_text_config(keys, "qwen3_vl_text", read_qwen3_vl_text);
  config.tied_embeddings = keys.flag("tie_word_embeddings", false);
  return config;
}

ModelConfig read_qwen3_5(ConfigKeys& keys) {
  ignore_images(keys);
  auto config = read_text_config(keys, "qwen3_5_text", read_qwen3_5_text);
  config.tied_embeddings = is_tied(keys, config);
  return config;
}

ModelConfig read_qwen3_5_moe(ConfigKeys& keys) {
  ignore_images(keys);
  auto config = read_text_config(keys, "qwen3_5_moe_text", read_qwen3_5_moe_text);
  config.tied_embeddings = is_tied(keys, config);
  return config;
}

WeightNames multimodal_names() {
  auto names = llama_names();
  add_multimodal_names(names);
  return names;
}

}  // namespace spikesink::detail
