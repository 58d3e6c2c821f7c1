#include "model/architectures/config_reading.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace spikesink::detail {
namespace {

double yarn_mscale(double factor, double scale) {
  return factor <= 1 ? 1.0 : 0.1 * scale * std::log(factor) + 1.0;
}

// YaRN's factor of cosine and sine, for files without `attention_factor`.
double derived_attention_factor(ConfigKeys& keys, double factor) {
  const double scale = keys.number("mscale", 0), scale_all = keys.number("mscale_all_dim", 0);
  if (scale != 0 && scale_all != 0)
    return yarn_mscale(factor, scale) / yarn_mscale(factor, scale_all);
  return yarn_attention_factor(factor);
}

double longrope_attention_factor(double factor, int64_t original_context) {
  if (factor <= 1) return 1;
  return std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(original_context)));
}

// Phi-3's first checkpoints used other names for LongRoPE.
bool is_longrope(const std::string& kind, const ConfigKeys& keys) {
  return kind == "longrope" || kind == "su" || (kind == "yarn" && keys.has("short_factor"));
}

// `keys` is the object with the scaling, `file` the whole configuration.
RopeScaling read_scaling(ConfigKeys& keys, ConfigKeys& file, const ModelConfig& config,
                         bool is_per_layer_type) {
  RopeScaling scaling;
  const auto kind = keys.has("rope_type") ? keys.text("rope_type") : keys.text("type", "default");
  keys.ignore({"type"});  // transformers 4 wrote both the old and the new key
  keys.ignore({"mrope_section", "mrope_interleaved"});  // text alone has one position a token
  for (auto* either : {&keys, &file}) either->ignore({"original_max_position_embeddings"});
  if (kind == "default" || kind == "mrope") return scaling;
  const auto original_context = [&] {
    const auto key = "original_max_position_embeddings";
    const auto own = keys.integer(key, config.context);
    return file.integer(key, own);  // in transformers the outer key has priority
  };
  const auto read_factor = [&] {
    const auto by_context =
        static_cast<double>(config.context) / static_cast<double>(scaling.original_context);
    return keys.number("factor", by_context);
  };
  if (kind == "linear") {
    scaling.kind = RopeScalingKind::kLinear;
    scaling.factor = keys.number("factor");
  } else if (kind == "dynamic") {
    scaling.kind = RopeScalingKind::kDynamic;
    scaling.factor = keys.number("factor");
    scaling.original_context = config.context;
  } else if (kind == "llama3") {
    scaling.kind = RopeScalingKind::kLlama3;
    scaling.factor = keys.number("factor");
    scaling.low_frequency_factor = keys.number("low_freq_factor");
    scaling.high_frequency_factor = keys.number("high_freq_factor");
    scaling.original_context = original_context();
  } else if (kind == "yarn" && !is_longrope(kind, keys)) {
    scaling.kind = RopeScalingKind::kYarn;
    scaling.original_context = original_context();
    scaling.factor = read_factor();
    scaling.beta_fast = keys.number("beta_fast", 32);
    scaling.beta_slow = keys.number("beta_slow", 1);
    scaling.attention_factor =
        keys.number("attention_factor", derived_attention_factor(keys, scaling.factor));
    keys.ignore({"mscale", "mscale_all_dim"});
    // transformers 5.24 looks for this key next to the layer types, where it never is.
    scaling.truncate = keys.flag("truncate", true) || is_per_layer_type;
  } else if (is_longrope(kind, keys)) {
    scaling.kind = RopeScalingKind::kFactors;
    scaling.original_context = original_context();
    scaling.short_factors = keys.numbers("short_factor");
    scaling.long_factors = keys.numbers("long_factor");
    scaling.attention_factor = keys.number(
        "attention_factor", longrope_attention_factor(read_factor(), scaling.original_context));
    keys.ignore({"factor"});
  } else {
    keys.refuse(keys.has("rope_type") ? "rope_type" : "type",
                "default, linear, dynamic, llama3, yarn or longrope");
  }
  return scaling;
}

const char* rope_key(ConfigKeys& keys) {
  const auto* scaling = keys.find("rope_scaling");
  if (scaling == nullptr || is_neutral(*scaling)) return "rope_parameters";
  keys.ignore_unless("rope_parameters", *scaling);
  return "rope_scaling";
}

// `own` is the object of the RoPE parameters, `keys` the object around it.
double read_number(ConfigKeys& keys, ConfigKeys& own, const char* key, bool reads_outer,
                   double absent) {
  if (!reads_outer) keys.ignore_unless(key, absent);
  const double outer = reads_outer ? keys.number(key, absent) : absent;
  return own.number(key, outer);
}

double read_fraction(ConfigKeys& keys, ConfigKeys& own, const RopeDefaults& defaults) {
  constexpr const char* kKey = "partial_rotary_factor";
  if (defaults.partial) return read_number(keys, own, kKey, defaults.outer_keys, defaults.fraction);
  for (auto* object : {&keys, &own}) object->ignore_unless(kKey, defaults.fraction);
  return defaults.fraction;
}

// The base of Hunyuan's fixed NTK scaling, or nullopt with another scaling.
std::optional<double> theta_with_alpha(ConfigKeys& keys, const RopeConfig& rope) {
  const auto kind = keys.has("rope_type") ? keys.text("rope_type") : keys.text("type", "default");
  const double alpha = keys.number("alpha", 0);
  if (kind != "dynamic" || alpha == 0) return {};
  keys.ignore({"type", "factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim"});
  const auto width = static_cast<double>(rope.dimensions);
  return rope.theta * std::pow(alpha, width / (width - 2));
}

bool has_layer_types(const ConfigKeys& rope_parameters) {
  return rope_parameters.is_object("sliding_attention") ||
         rope_parameters.is_object("full_attention");
}

}  // namespace

double yarn_attention_factor(double factor) {
  return yarn_mscale(factor, 1);
}

Activation read_activation(ConfigKeys& keys, std::string_view key, const std::string& absent) {
  constexpr std::array<std::pair<std::string_view, Activation>, 10> kKnown = {{
      {"silu", Activation::kSilu},
      {"swish", Activation::kSilu},
      {"gelu", Activation::kGelu},
      {"gelu_python", Activation::kGelu},
      {"gelu_new", Activation::kGeluTanh},
      {"gelu_fast", Activation::kGeluTanh},
      {"gelu_pytorch_tanh", Activation::kGeluTanh},
      {"quick_gelu", Activation::kQuickGelu},
      {"relu", Activation::kRelu},
      {"relu2", Activation::kReluSquared},
  }};
  const auto name = keys.text(key, absent);
  for (const auto& [known, activation] : kKnown) {
    if (name == known) return activation;
  }
  keys.refuse(key, "silu, gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu or relu2");
}

int64_t even_head_width(const ModelConfig& config) {
  return config.n_heads > 0 ? config.d_model / config.n_heads : 0;
}

int64_t four_widths(const ModelConfig& config) {
  int64_t width = 0;
  return __builtin_mul_overflow(4, config.d_model, &width) ? 0 : width;
}

void read_sizes(ConfigKeys& keys, ModelConfig& config) {
  const auto read = [&](std::string_view key, int64_t& size) {
    size = size > 0 ? keys.integer(key, size) : keys.integer(key);
  };
  read("num_hidden_layers", config.n_layers);
  read("hidden_size", config.d_model);
  read("intermediate_size", config.d_mlp);
  read("num_attention_heads", config.n_heads);
  read("vocab_size", config.d_vocabulary);
  read("max_position_embeddings", config.context);
  const auto or_else = [](int64_t size, int64_t other) { return size > 0 ? size : other; };
  config.n_key_value_heads =
      keys.integer("num_key_value_heads", or_else(config.n_key_value_heads, config.n_heads));
  config.d_head = keys.integer("head_dim", or_else(config.d_head, even_head_width(config)));
}

ConfigKeys rope_object(ConfigKeys& keys) {
  return keys.object(rope_key(keys), "rope_parameters");
}

RopeConfig read_rope(ConfigKeys& keys, const ModelConfig& config, const RopeDefaults& defaults,
                     const std::string& layer_type) {
  auto parameters = rope_object(keys);
  const bool nested = has_layer_types(parameters);
  auto own = nested ? parameters.object(layer_type, "rope_parameters") : parameters;
  if (nested) {
    parameters.ignore({"full_attention", "sliding_attention"});
    parameters.refuse_or_ignore_unread();
  }
  RopeConfig rope;
  rope.theta = read_number(keys, own, "rope_theta", defaults.outer_keys, defaults.theta);
  const double fraction = read_fraction(keys, own, defaults);
  if (!(fraction > 0 && fraction <= 1))
    own.refuse("partial_rotary_factor", "a number above 0, up to 1");
  rope.dimensions = static_cast<int64_t>(static_cast<double>(config.d_head) * fraction);
  if (config.d_head > 0 && rope.dimensions < 1)
    own.refuse("partial_rotary_factor", "one that rotates at least one dimension");
  const auto fixed = defaults.fixed_alpha ? theta_with_alpha(own, rope) : std::nullopt;
  if (fixed) {
    rope.theta = *fixed;
  } else {
    rope.scaling = read_scaling(own, keys, config, nested);
  }
  if (defaults.query_scale) own.ignore({"llama_4_scaling_beta"});
  if (defaults.mscales && rope.scaling.kind != RopeScalingKind::kNone) {
    rope.scaling.attention_factor = own.number("short_mscale");
    own.expect("long_mscale", rope.scaling.attention_factor);
  }
  own.refuse_or_ignore_unread();
  return rope;
}

QueryScale read_query_scale(ConfigKeys& keys) {
  auto rope = rope_object(keys);
  return {.growth = rope.number("llama_4_scaling_beta"),
          .interval = rope.integer("original_max_position_embeddings")};
}

std::vector<RopeConfig> read_ropes_by_layer_type(ConfigKeys& keys, const ModelConfig& config,
                                                 double theta, std::string_view local_theta_key,
                                                 double local_theta) {
  const auto full = read_rope(keys, config, {.theta = theta}, "full_attention");
  const double flat = keys.number(local_theta_key, local_theta);
  if (has_layer_types(rope_object(keys)))
    return {full, read_rope(keys, config, {.theta = flat}, "sliding_attention")};
  return {full, {.theta = flat, .dimensions = full.dimensions}};
}

double read_softmax_factor(ConfigKeys& keys) {
  auto rope = keys.object(rope_key(keys), "rope_parameters");
  const auto kind = rope.has("rope_type") ? rope.text("rope_type") : rope.text("type", "default");
  const double scale = rope.number("mscale_all_dim", 0);
  if (kind == "default" || scale == 0) return 1;
  const double factor = yarn_mscale(rope.number("factor"), scale);
  return factor * factor;
}

int64_t read_product(ConfigKeys& keys, std::string_view count, int64_t width) {
  int64_t product = 0;
  if (__builtin_mul_overflow(keys.integer(count), width, &product))
    keys.refuse(count, "a smaller number");
  return product;
}

void set_expert_layers(ModelConfig& config, int64_t first) {
  auto& layers = each_layer(config);
  for (size_t number = 0; number < layers.size(); ++number)
    layers[number].has_experts = static_cast<int64_t>(number) >= first;
}

void read_windows(ConfigKeys& keys, ModelConfig& config, int64_t window,
                  const std::function<bool(int64_t layer)>& slides) {
  const bool listed = keys.has("layer_types");
  const auto types = listed ? keys.texts("layer_types") : std::vector<std::string>();
  if (listed && static_cast<int64_t>(types.size()) != config.n_layers)
    keys.refuse("layer_types", "one for each layer");
  auto& layers = each_layer(config);
  for (size_t number = 0; number < layers.size(); ++number) {
    if (listed && types[number] != "sliding_attention" && types[number] != "full_attention")
      keys.refuse("layer_types", "full_attention and sliding_attention");
    const bool sliding =
        listed ? types[number] == "sliding_attention" : slides(static_cast<int64_t>(number));
    layers[number].window = sliding ? window : 0;
  }
}

void read_common_window(ConfigKeys& keys, ModelConfig& config, int64_t absent) {
  const auto window = read_window_or_null(keys, absent);
  for (auto& layer : each_layer(config)) layer.window = window;
}

void remove_rope_without_window(ModelConfig& config) {
  for (auto& layer : each_layer(config)) {
    if (layer.window == 0) layer.rope = LayerConfig::kNoRope;
  }
}

int64_t read_window_or_null(ConfigKeys& keys, int64_t absent) {
  if (!keys.value().contains("sliding_window")) return absent;
  const auto window = keys.integer("sliding_window", 0);
  if (keys.has("sliding_window") && window < 1)
    keys.refuse("sliding_window", "a positive number or null");
  return window;
}

ModelConfig read_text_config(ConfigKeys& keys, const std::string& type,
                             ModelConfig (*read_config)(ConfigKeys& keys)) {
  auto text = keys.object("text_config", type);
  if (!keys.has("text_config")) keys.refuse("text_config", "the language model's configuration");
  auto config = read_config(text);
  ignore_housekeeping(text);
  text.expect("is_causal", true);
  text.refuse_or_ignore_unread();
  return config;
}

NormConfig rms_norm(double epsilon) {
  return {.kind = NormKind::kRmsNorm, .epsilon = epsilon};
}

NormConfig layer_norm(double epsilon) {
  return {
      .kind = NormKind::kLayerNorm, .epsilon = epsilon, .has_bias = true, .scale_in_float32 = true};
}

bool is_saved_as(ConfigKeys& keys, std::string_view ending) {
  if (!keys.has("architectures")) return false;
  const auto names = keys.texts("architectures");
  return std::any_of(names.begin(), names.end(),
                     [&](const auto& name) { return name.ends_with(ending); });
}

void ignore_housekeeping(ConfigKeys& keys) {
  keys.ignore({"architectures", "model_type", "_name_or_path", "name_or_path",
               "_model_name_or_path", "transformers_version", "torch_dtype", "dtype",
               "_attn_implementation_autoset", "initializer_range", "initializer_factor",
               "init_std", "use_cache", "bos_token_id", "eos_token_id", "pad_token_id",
               "unk_token_id", "sep_token_id", "cls_token_id", "decoder_start_token_id", "auto_map",
               "chunk_size_feed_forward", "id2label", "label2id", "return_dict", "problem_type",
               "is_llama_config", "rope_interleaved", "pretraining_tp", "transformers.js_config",
               "task_specific_params", "finetuning_task", "gradient_checkpointing",
               "is_encoder_decoder", "output_past", "prefix",
               // read by read_quantisation
               "quantization_config", "quantization",
               // dropout
               "attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop",
               "dropout", "layerdrop", "hidden_dropout_prob", "attention_probs_dropout_prob",
               "classifier_dropout", "emb_pdrop",
               // generation
               "max_length", "min_length", "top_k", "top_p", "typical_p", "temperature",
               "num_beams", "num_beam_groups", "num_return_sequences", "repetition_penalty",
               "length_penalty", "diversity_penalty", "encoder_no_repeat_ngram_size",
               "no_repeat_ngram_size", "early_stopping"});
}

std::vector<LayerConfig>& each_layer(ModelConfig& config) {
  constexpr int64_t kMaxLayers =
      1 << 16;  // larger numbers are refused later, by comparison with the tensors
  if (config.layers.empty())
    config.layers.resize(static_cast<size_t>(std::clamp<int64_t>(config.n_layers, 0, kMaxLayers)));
  return config.layers;
}

}  // namespace spikesink::detail
