#include <fstream>
#include <iterator>

#include "detail/fail.h"
#include "detail/strict_json.h"
#include "model/config_keys.h"
#include "model/read_config.h"

namespace spikesink::detail {
namespace {

constexpr int kDeepest = 32;

Activation activation_named(const std::string& name, const std::string& where) {
  if (name == "silu" || name == "swish") return Activation::kSilu;
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  if (name == "relu") return Activation::kRelu;
  fail_format(
      "[read_model_config] hidden_act: got '{}', expected silu, gelu, gelu_new, gelu_pytorch_tanh "
      "or relu ({})",
      name, where);
}

RopeScaling read_rope_scaling(ConfigKeys& keys) {
  RopeScaling scaling;
  const auto kind = keys.has("rope_type") ? keys.text("rope_type") : keys.text("type", "default");
  keys.ignore({"type"});  // transformers 4 wrote the older word beside the newer one
  if (kind == "linear") {
    scaling.kind = RopeScalingKind::kLinear;
    scaling.factor = keys.number("factor");
  } else if (kind == "llama3") {
    scaling.kind = RopeScalingKind::kLlama3;
    scaling.factor = keys.number("factor");
    scaling.low_frequency_factor = keys.number("low_freq_factor");
    scaling.high_frequency_factor = keys.number("high_freq_factor");
    scaling.original_context = keys.integer("original_max_position_embeddings");
  } else if (kind != "default") {
    fail_format("[read_model_config] rope_type: got '{}', expected default, linear or llama3 ({})",
                kind, keys.where());
  }
  return scaling;
}

// transformers 5 keeps theta and scaling together in `rope_parameters`; transformers 4 apart.
void read_rope(ConfigKeys& keys, ModelConfig& config) {
  auto scaling = keys.object(keys.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
  const double flat_theta = keys.number("rope_theta", config.rope_theta);
  config.rope_theta = scaling.number("rope_theta", flat_theta);
  config.rope_scaling = read_rope_scaling(scaling);
  scaling.refuse_unread();
}

// Keys of transformers' own housekeeping, of training, and of generation.
void ignore_inert(ConfigKeys& keys) {
  keys.ignore({"architectures",
               "model_type",
               "_name_or_path",
               "name_or_path",
               "transformers_version",
               "torch_dtype",
               "dtype",
               "initializer_range",
               "use_cache",
               "attention_dropout",
               "bos_token_id",
               "eos_token_id",
               "pad_token_id",
               "unk_token_id",
               "auto_map",
               "chunk_size_feed_forward",
               "id2label",
               "label2id",
               "return_dict",
               "problem_type",
               "is_llama_config",
               "rope_interleaved",
               "transformers.js_config",
               "max_length",
               "min_length",
               "top_k",
               "top_p",
               "typical_p",
               "temperature",
               "num_beams",
               "num_beam_groups",
               "num_return_sequences",
               "repetition_penalty",
               "length_penalty",
               "diversity_penalty",
               "encoder_no_repeat_ngram_size",
               "no_repeat_ngram_size",
               "early_stopping"});
}

ModelConfig read_llama(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = "llama";
  config.n_layers = keys.integer("num_hidden_layers");
  config.d_model = keys.integer("hidden_size");
  config.d_mlp = keys.integer("intermediate_size");
  config.n_heads = keys.integer("num_attention_heads");
  config.n_key_value_heads = keys.integer("num_key_value_heads", config.n_heads);
  config.d_head =
      keys.integer("head_dim", config.n_heads > 0 ? config.d_model / config.n_heads : 0);
  config.d_vocabulary = keys.integer("vocab_size");
  config.context = keys.integer("max_position_embeddings", 2048);
  config.norm_epsilon = keys.number("rms_norm_eps", 1e-6);
  config.activation = activation_named(keys.text("hidden_act", "silu"), keys.where());
  config.attention_bias = keys.flag("attention_bias", false);
  config.mlp_bias = keys.flag("mlp_bias", false);
  config.tied_embeddings = keys.flag("tie_word_embeddings", false);
  if (const auto slices = keys.integer("pretraining_tp", 1); slices != 1) {
    fail_format("[read_model_config] pretraining_tp: got {}, expected 1 ({})", slices,
                keys.where());
  }
  read_rope(keys, config);
  return config;
}

}  // namespace

ModelConfig read_hf_config(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) fail_format("[read_model_config] cannot read {}", file.string());
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  ConfigKeys keys(parse_strict_json(text, kDeepest, "read_model_config", file), file.string());
  const auto model_type = keys.text("model_type");
  if (model_type != "llama")
    fail_format("[read_model_config] model_type: got '{}', expected llama ({})", model_type,
                file.string());
  auto config = read_llama(keys);
  ignore_inert(keys);
  keys.refuse_unread();
  return config;
}

}  // namespace spikesink::detail
