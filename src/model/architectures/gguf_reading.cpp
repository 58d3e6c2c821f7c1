#include "model/architectures/gguf_reading.h"

#include <algorithm>

#include "detail/fail.h"
#include "model/architectures/config_reading.h"
#include "model/architectures/layer_names.h"

namespace spikesink::detail {
namespace {

void expect_tensor(const GgufFile& file, const std::string& tensor) {
  if (!file.contains(tensor)) {
    fail_format("[read_model_config] the tensor '{}' is missing ({})", tensor,
                file.path().string());
  }
}

std::vector<double> read_values(const GgufFile& file, const std::string& tensor) {
  expect_tensor(file, tensor);
  const auto values = file.tensor(tensor).to(torch::kDouble).contiguous();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

// Frequencies are divided by both, as in llama.cpp.
std::vector<double> times(double factor, std::vector<double> values) {
  for (auto& value : values) value *= factor;
  return values;
}

RopeScaling read_yarn(GgufKeys& keys, double factor) {
  RopeScaling scaling;
  scaling.kind = RopeScalingKind::kYarn;
  scaling.factor = factor;
  scaling.beta_fast = keys.number("rope.scaling.yarn_beta_fast", scaling.beta_fast);
  scaling.beta_slow = keys.number("rope.scaling.yarn_beta_slow", scaling.beta_slow);
  scaling.attention_factor = yarn_attention_factor(factor);
  return scaling;
}

// The tensors of factors have precedence over the type, which is "linear" unless a file says more.
RopeScaling read_scaling_kind(GgufKeys& keys) {
  RopeScaling scaling;
  const auto& file = keys.file();
  const auto type = keys.text("rope.scaling.type", "linear");
  if (type != "none" && type != "linear" && type != "yarn" && type != "longrope")
    keys.refuse("rope.scaling.type", "none, linear, yarn or longrope");
  const double legacy = keys.number("rope.scale_linear", 0);
  const double stored = keys.number("rope.scaling.factor", legacy);
  const double factor = stored == 0 || type == "none" ? 1 : stored;
  const bool long_factors =
      file.contains("rope_factors_short.weight") || file.contains("rope_factors_long.weight");
  const bool has_factors = long_factors || file.contains("rope_freqs.weight");
  if (type == "yarn") {
    if (has_factors) keys.refuse("rope.scaling.type", "another type beside tensors of factors");
    return read_yarn(keys, factor);
  }
  if (has_factors) {
    scaling.kind = RopeScalingKind::kFactors;
    const auto* first = long_factors ? "rope_factors_short.weight" : "rope_freqs.weight";
    scaling.short_factors = times(factor, read_values(file, first));
    if (long_factors)
      scaling.long_factors = times(factor, read_values(file, "rope_factors_long.weight"));
  } else if (type == "longrope") {
    keys.refuse("rope.scaling.type", "none, linear or yarn without tensors of factors");
  } else if (factor != 1) {
    scaling.kind = RopeScalingKind::kLinear;
    scaling.factor = factor;
  }
  return scaling;
}

RopeScaling read_scaling(GgufKeys& keys, const ModelConfig& config) {
  auto scaling = read_scaling_kind(keys);
  const auto original = keys.integer("rope.scaling.original_context_length", config.context);
  if (scaling.kind == RopeScalingKind::kYarn || !scaling.long_factors.empty())
    scaling.original_context = original;
  scaling.attention_factor *= keys.number("rope.scaling.attn_factor", 1);
  return scaling;
}

// The layers with a sliding window; `period`: by default, the last of so many layers has none.
std::vector<bool> read_sliding_layers(GgufKeys& keys, size_t n_layers, int64_t period) {
  const auto* key = "attention.sliding_window_pattern";
  if (const auto listed = keys.layer_flags(key)) {
    if (listed->size() != n_layers) keys.refuse(key, fmt::format("{} flags", n_layers));
    return *listed;
  }
  period = keys.integer(key, period);
  if (period < 0) keys.refuse(key, "zero, for a window in every layer, or a positive number");
  std::vector<bool> slides(n_layers, true);
  for (size_t layer = 0; layer < n_layers; ++layer)
    slides[layer] = period == 0 || (static_cast<int64_t>(layer) + 1) % period != 0;
  return slides;
}

// The file counts the layers that predict further tokens.
void drop_prediction_layers(GgufKeys& keys, ModelConfig& config) {
  const auto further = keys.integer("nextn_predict_layers", 0);
  if (further < 0 || further > static_cast<int64_t>(config.layers.size()))
    keys.refuse("nextn_predict_layers", "a number of layers of the file");
  config.n_layers -= further;
  config.layers.resize(config.layers.size() - static_cast<size_t>(further));
}

void read_expert_groups(GgufKeys& keys, ExpertsConfig& experts) {
  keys.ignore({"expert_group_used_count"});
  if (keys.integer("expert_group_count", 0) <= 1) return;
  if (experts.count == 0) keys.refuse("expert_group_count", "at most one group");
  experts.groups = keys.integer("expert_group_count");
  experts.groups_per_token = keys.integer("expert_group_used_count");
}

bool has_choice_bias(const GgufFile& file) {
  return std::ranges::any_of(
      file.tensors(), [](const auto& info) { return info.name.ends_with(".exp_probs_b.bias"); });
}

}  // namespace

ModelConfig read_gguf_sizes(GgufKeys& keys, const std::string& model_type, bool reads_logit_scale) {
  const auto& file = keys.file();
  ModelConfig config;
  config.model_type = model_type;
  config.n_layers = keys.integer("block_count");
  config.d_model = keys.integer("embedding_length");
  config.d_mlp = keys.layer_integer("feed_forward_length");
  config.n_heads = keys.layer_integer("attention.head_count");
  config.n_key_value_heads = keys.layer_integer("attention.head_count_kv", config.n_heads);
  config.d_head = keys.integer("attention.key_length", even_head_width(config));
  // With latent attention this is the width of the latent.
  if (!keys.has("attention.value_length_mla")) keys.expect("attention.value_length", config.d_head);
  for (const auto* key : {"attention.key_length_swa", "attention.value_length_swa"})
    keys.expect(key, config.d_head);
  expect_tensor(file, "token_embd.weight");
  config.d_vocabulary = file.info("token_embd.weight").shape.front();
  config.context = keys.integer("context_length");
  config.qkv_bias = file.contains("blk.0.attn_q.bias") || file.contains("blk.0.attn_qkv.bias");
  config.attention_output_bias = file.contains("blk.0.attn_output.bias");
  config.mlp_bias = file.contains("blk.0.ffn_up.bias") || file.contains("blk.0.ffn_down.bias");
  config.tied_embeddings = !file.contains("output.weight");
  keys.ignore({"vocab_size", "rope.scaling.finetuned", "tensor_data_layout"});
  keys.expect("attention.causal", true);
  if (!reads_logit_scale) keys.expect("logit_scale", 1.0);
  config.logit_multiplier = keys.number("logit_scale", 1);
  if (const auto experts = keys.integer("expert_count", 0); experts > 0) {
    config.experts.count = experts;
    config.experts.experts_per_token = keys.layer_integer("expert_used_count");
    config.experts.d_mlp = config.d_mlp;
    config.experts.router_bias = file.contains("blk.0.ffn_gate_inp.bias");
    for (auto& layer : each_layer(config)) layer.has_experts = true;
  }
  read_expert_groups(keys, config.experts);
  return config;
}

NormConfig read_gguf_rms_norm(GgufKeys& keys) {
  return {.kind = NormKind::kRmsNorm, .epsilon = keys.number("attention.layer_norm_rms_epsilon")};
}

NormConfig read_gguf_layer_norm(GgufKeys& keys) {
  return {.kind = NormKind::kLayerNorm,
          .epsilon = keys.number("attention.layer_norm_epsilon"),
          .has_bias = true,
          .scale_in_float32 = true};
}

void read_gguf_experts(GgufKeys& keys, ModelConfig& config) {
  drop_prediction_layers(keys, config);
  auto& experts = config.experts;
  experts.d_mlp = keys.layer_integer("expert_feed_forward_length");
  const auto count = keys.integer("expert_shared_count", 0);
  if (__builtin_mul_overflow(count, experts.d_mlp, &experts.d_shared))
    keys.refuse("expert_shared_count", "a smaller number");
  experts.shared_gate = false;
  experts.choice_bias = has_choice_bias(keys.file());
  const double scale = keys.number("expert_weights_scale", 1);
  experts.weight_scale = scale == 0 ? 1 : scale;
  set_expert_layers(config, keys.integer("leading_dense_block_count", 0));
}

void read_gguf_windows(GgufKeys& keys, ModelConfig& config, int64_t window, int64_t period) {
  auto& layers = each_layer(config);
  const auto slides = read_sliding_layers(keys, layers.size(), period);
  for (size_t number = 0; number < layers.size(); ++number)
    layers[number].window = slides[number] ? window : 0;
}

void read_gguf_sliding_rope(GgufKeys& keys, ModelConfig& config, RopeConfig rope) {
  rope.theta = keys.number("rope.freq_base_swa", rope.theta);
  const auto& full = config.ropes.front();
  if (rope.theta == full.theta && rope.scaling.kind == full.scaling.kind) return;
  config.ropes.push_back(std::move(rope));
  for (auto& layer : each_layer(config)) layer.rope = layer.window > 0 ? 1 : 0;
}

RopeConfig read_gguf_rope(GgufKeys& keys, const ModelConfig& config) {
  RopeConfig rope;
  rope.theta = keys.number("rope.freq_base", rope.theta);
  rope.dimensions = keys.integer("rope.dimension_count", config.d_head);
  if (keys.has("rope.dimension_count") && rope.dimensions < 1)
    keys.refuse("rope.dimension_count", "at least 1");
  keys.expect("rope.dimension_count_swa", rope.dimensions);
  rope.scaling = read_scaling(keys, config);
  return rope;
}

WeightNames interleaved_gguf_names() {
  auto names = gguf_names();
  reorder_interleaved(names.in_layer);
  return names;
}

WeightNames gguf_names() {
  return {
      .first = "token_embd.weight",
      .bases = {""},
      .layer = "blk.{}.",
      .body = {{"embed", "token_embd.weight"},
               {"pos_embed", "position_embd.weight"},
               {"ln_final", "output_norm"}},
      .in_layer = {{"ln1", "attn_norm"},
                   {"ln2", "ffn_norm"},
                   {"attn.q", "attn_q"},
                   {"attn.k", "attn_k"},
                   {"attn.v", "attn_v"},
                   {"attn.o", "attn_output"},
                   {"attn.q_norm", "attn_q_norm"},
                   {"attn.k_norm", "attn_k_norm"},
                   {"attn.sinks", "attn_sinks.weight"},
                   {"mlp.router", "ffn_gate_inp"},
                   {"mlp.experts.{}.gate", "ffn_gate_exps", of_one_expert(unchanged())},
                   {"mlp.experts.{}.up", "ffn_up_exps", of_one_expert(unchanged())},
                   {"mlp.experts.{}.down", "ffn_down_exps", of_one_expert(unchanged())},
                   {"mlp.choice_bias", "exp_probs_b.bias", flattened()},
                   {"mlp.shared.gate", "ffn_gate_shexp"},
                   {"mlp.shared.up", "ffn_up_shexp"},
                   {"mlp.shared.down", "ffn_down_shexp"},
                   {"mlp.gate", "ffn_gate"},
                   {"mlp.up", "ffn_up"},
                   {"mlp.down", "ffn_down"}},
      .end = {{"unembed", "output.weight"}},
      .superfluous = {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"},
  };
}

}  // namespace spikesink::detail
