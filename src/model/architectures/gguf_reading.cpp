#include "model/architectures/gguf_reading.h"

#include "detail/fail.h"
#include "model/architectures/config_reading.h"

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

// LongRoPE's two lists of factors, and the factor of cosine and sine.
RopeScaling read_long_factors(GgufKeys& keys) {
  RopeScaling scaling;
  scaling.kind = RopeScalingKind::kFactors;
  scaling.short_factors = read_values(keys.file(), "rope_factors_short.weight");
  scaling.long_factors = read_values(keys.file(), "rope_factors_long.weight");
  scaling.original_context = keys.integer("rope.scaling.original_context_length");
  scaling.attention_factor = keys.number("rope.scaling.attn_factor", 1);
  return scaling;
}

RopeScaling read_yarn(GgufKeys& keys) {
  RopeScaling scaling;
  scaling.kind = RopeScalingKind::kYarn;
  scaling.factor = keys.number("rope.scaling.factor");
  scaling.original_context = keys.integer("rope.scaling.original_context_length");
  scaling.beta_fast = keys.number("rope.scaling.yarn_beta_fast", scaling.beta_fast);
  scaling.beta_slow = keys.number("rope.scaling.yarn_beta_slow", scaling.beta_slow);
  scaling.attention_factor = yarn_attention_factor(scaling.factor);
  return scaling;
}

RopeScaling read_scaling(GgufKeys& keys) {
  RopeScaling scaling;
  const auto& file = keys.file();
  const double legacy = keys.number("rope.scale_linear", 0);
  const double factor = keys.number("rope.scaling.factor", legacy);
  const auto type = keys.text("rope.scaling.type", factor != 0 ? "linear" : "none");
  if (file.contains("rope_factors_short.weight") || file.contains("rope_factors_long.weight")) {
    return read_long_factors(keys);
  } else if (file.contains("rope_freqs.weight")) {
    scaling.kind = RopeScalingKind::kFactors;
    scaling.short_factors = read_values(file, "rope_freqs.weight");
  } else if (type == "linear") {
    scaling.kind = RopeScalingKind::kLinear;
    scaling.factor = factor != 0 ? factor : 1;  // as in llama.cpp
  } else if (type == "yarn") {
    return read_yarn(keys);
  } else if (type != "none") {
    fail_format(
        "[read_model_config] rope.scaling.type: got '{}', expected none, linear or yarn ({})", type,
        keys.where());
  }
  keys.ignore({"rope.scaling.original_context_length"});
  return scaling;
}

}  // namespace

ModelConfig read_gguf_sizes(GgufKeys& keys, const std::string& model_type) {
  const auto& file = keys.file();
  ModelConfig config;
  config.model_type = model_type;
  config.n_layers = keys.integer("block_count");
  config.d_model = keys.integer("embedding_length");
  config.d_mlp = keys.integer("feed_forward_length");
  config.n_heads = keys.integer("attention.head_count");
  config.n_key_value_heads = keys.integer("attention.head_count_kv", config.n_heads);
  config.d_head = keys.integer("attention.key_length", even_head_width(config));
  keys.expect("attention.value_length", config.d_head);
  expect_tensor(file, "token_embd.weight");
  config.d_vocabulary = file.info("token_embd.weight").shape.front();
  config.context = keys.integer("context_length");
  config.qkv_bias = file.contains("blk.0.attn_q.bias") || file.contains("blk.0.attn_qkv.bias");
  config.attention_output_bias = file.contains("blk.0.attn_output.bias");
  config.mlp_bias = file.contains("blk.0.ffn_up.bias") || file.contains("blk.0.ffn_down.bias");
  config.tied_embeddings = !file.contains("output.weight");
  keys.ignore({"vocab_size", "rope.scaling.finetuned", "tensor_data_layout"});
  keys.expect("attention.causal", true);
  keys.expect("logit_scale", 1.0);
  if (const auto experts = keys.integer("expert_count", 0); experts > 0) {
    config.experts.count = experts;
    config.experts.experts_per_token = keys.integer("expert_used_count");
    config.experts.d_mlp = keys.integer("expert_feed_forward_length", config.d_mlp);
    config.experts.router_bias = file.contains("blk.0.ffn_gate_inp.bias");
    for (auto& layer : each_layer(config)) layer.has_experts = true;
  }
  keys.ignore({"expert_used_count"});
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

void read_gguf_windows(GgufKeys& keys, ModelConfig& config, int64_t absent,
                       const std::function<bool(int64_t layer)>& slides) {
  const auto window = keys.integer("attention.sliding_window", absent);
  auto& layers = each_layer(config);
  for (size_t number = 0; number < layers.size(); ++number)
    layers[number].window = slides(static_cast<int64_t>(number)) ? window : 0;
}

RopeConfig read_gguf_rope(GgufKeys& keys, const ModelConfig& config, double theta) {
  RopeConfig rope;
  rope.theta = keys.number("rope.freq_base", theta);
  rope.dimensions = keys.integer("rope.dimension_count", config.d_head);
  if (keys.has("rope.dimension_count") && rope.dimensions < 1)
    fail_format("[read_model_config] rope.dimension_count: got {}, expected at least 1 ({})",
                rope.dimensions, keys.where());
  rope.scaling = read_scaling(keys);
  return rope;
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
                   {"mlp.gate", "ffn_gate"},
                   {"mlp.up", "ffn_up"},
                   {"mlp.down", "ffn_down"}},
      .end = {{"unembed", "output.weight"}},
      .superfluous = {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"},
  };
}

}  // namespace spikesink::detail
