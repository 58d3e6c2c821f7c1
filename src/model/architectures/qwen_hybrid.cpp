#include "model/architectures/families.h"
#include "model/architectures/layer_names.h"
#include "model/architectures/llama.h"
#include "model/architectures/qwen.h"

// Qwen3-Next and Qwen3.5: three layers with a gated DeltaNet, then one with gated attention.

namespace spikesink::detail {
namespace {

void read_mixers(ConfigKeys& keys, ModelConfig& config) {
  const auto interval = keys.integer("full_attention_interval", 4);
  if (interval < 1) keys.refuse("full_attention_interval", "a positive number");
  const bool listed = keys.has("layer_types");
  const auto types = listed ? keys.texts("layer_types") : std::vector<std::string>();
  if (listed && static_cast<int64_t>(types.size()) != config.n_layers)
    keys.refuse("layer_types", "one for each layer");
  auto& layers = each_layer(config);
  for (size_t number = 0; number < layers.size(); ++number) {
    if (listed && types[number] != "linear_attention" && types[number] != "full_attention")
      keys.refuse("layer_types", "full_attention and linear_attention");
    const bool attends = listed ? types[number] == "full_attention"
                                : (static_cast<int64_t>(number) + 1) % interval == 0;
    layers[number].mixer = attends ? MixerKind::kAttention : MixerKind::kGatedDeltaNet;
  }
  config.delta_net = {.n_key_heads = keys.integer("linear_num_key_heads", 16),
                      .n_value_heads = keys.integer("linear_num_value_heads", 32),
                      .d_key = keys.integer("linear_key_head_dim", 128),
                      .d_value = keys.integer("linear_value_head_dim", 128),
                      .kernel = keys.integer("linear_conv_kernel_dim", 4)};
}

// What the families have in common. Queries and the gates of their heads are in one matrix. `d_mlp`
// is the default.
ModelConfig read_hybrid(ConfigKeys& keys, int64_t d_mlp) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  config.d_head = 256;
  config.d_mlp = d_mlp;
  read_sizes(keys, config);
  config.norm = rms_norm(keys.number("rms_norm_eps", 1e-6));
  config.norm.scale_plus_one = config.norm.scale_in_float32 = true;
  config.final_norm = config.qk_norm_config = config.norm;
  config.qk_norm = QkNorm::kPerHead;
  config.activation.kind = read_activation(keys, "hidden_act", "silu");
  if (config.activation.kind != Activation::kSilu) keys.refuse("hidden_act", "silu");
  config.tied_embeddings = keys.flag("tie_word_embeddings", false);
  keys.expect("attention_bias", false);
  keys.expect("attn_output_gate", true);
  config.gate = {GateInput::kHidden, GateWidth::kChannel};
  config.ropes = {read_rope(keys, config, {.fraction = 0.25, .partial = true})};
  read_mixers(keys, config);
  return config;
}

std::vector<WeightName> delta_net_names() {
  return {{"delta.convolution", "linear_attn.conv1d.weight", without_middle_dimension()},
          {"delta.decay_bias", "linear_attn.dt_bias"},
          {"delta.log_rate", "linear_attn.A_log"},
          {"delta.norm", "linear_attn.norm"},
          {"delta.o", "linear_attn.out_proj"}};
}

// Rows of `in_proj_qkvz`, by key head: its query, its key, and the values and gates of its value
// heads.
GroupRows rows_of_key_heads(const ModelConfig& config, int64_t part) {
  const auto& sizes = config.delta_net;
  const int64_t values = sizes.n_value_heads / sizes.n_key_heads * sizes.d_value;
  const int64_t counts[] = {sizes.d_key, sizes.d_key, values, values};
  int64_t first = 0;
  for (int64_t before = 0; before < part; ++before) first += counts[before];
  return {sizes.n_key_heads, first, counts[part]};
}

Extract key_head_rows(int64_t part) {
  return rows_of_groups(
      [part](const ModelConfig& config) { return rows_of_key_heads(config, part); });
}

// Rows of `in_proj_ba`, by key head: the rates and the decays of its value heads.
Extract rate_rows(int64_t part) {
  return rows_of_groups([part](const ModelConfig& config) {
    const int64_t heads = config.delta_net.n_value_heads / config.delta_net.n_key_heads;
    return GroupRows{config.delta_net.n_key_heads, part * heads, heads};
  });
}

WeightNames hybrid_names() {
  auto names = qwen_moe_names();
  const auto of_heads = [](int64_t part) {
    return rows_of_groups([part](const ModelConfig& config) {
      return GroupRows{config.n_heads, part * config.d_head, config.d_head};
    });
  };
  rename(names, "attn.q", "self_attn.q_proj", of_heads(0));
  names.in_layer.push_back({"attn.gate.map", "self_attn.q_proj", of_heads(1)});
  names.in_layer = std::move(names.in_layer) + delta_net_names();
  names.superfluous.push_back("mtp.*");
  add_multimodal_names(names);
  return names;
}

}  // namespace

ModelConfig read_qwen3_next(ConfigKeys& keys) {
  auto config = read_hybrid(keys, 5632);
  read_qwen_experts(keys, config, /*renormalized=*/true);
  config.experts.d_shared = keys.integer("shared_expert_intermediate_size", 512);
  return config;
}

ModelConfig read_qwen3_5_text(ConfigKeys& keys) {
  return read_hybrid(keys, 12288);
}

ModelConfig read_qwen3_5_moe_text(ConfigKeys& keys) {
  auto config = read_hybrid(keys, 512);  // no layer uses it
  config.experts = {.count = keys.integer("num_experts", 256),
                    .experts_per_token = keys.integer("num_experts_per_tok", 8),
                    .d_mlp = keys.integer("moe_intermediate_size", 512),
                    .d_shared = keys.integer("shared_expert_intermediate_size", 512)};
  for (auto& layer : each_layer(config)) layer.has_experts = true;
  keys.ignore({"output_router_logits", "router_aux_loss_coef"});
  return config;
}

WeightNames qwen3_next_names() {
  auto names = hybrid_names();
  const auto stacked = [](const torch::Tensor& stored, const ModelConfig& config, int64_t expert) {
    return at::cat({key_head_rows(0)(stored, config, expert),
                    key_head_rows(1)(stored, config, expert),
                    key_head_rows(2)(stored, config, expert)});
  };
  names.in_layer =
      std::move(names.in_layer) + std::vector<WeightName>{
                                      {"delta.qkv", "linear_attn.in_proj_qkvz", stacked},
                                      {"delta.gate", "linear_attn.in_proj_qkvz", key_head_rows(3)},
                                      {"delta.beta", "linear_attn.in_proj_ba", rate_rows(0)},
                                      {"delta.decay", "linear_attn.in_proj_ba", rate_rows(1)},
                                  };
  return names;
}

WeightNames qwen3_5_names() {
  auto names = hybrid_names();
  names.in_layer =
      std::move(names.in_layer) + std::vector<WeightName>{{"delta.qkv", "linear_attn.in_proj_qkv"},
                                                          {"delta.gate", "linear_attn.in_proj_z"},
                                                          {"delta.beta", "linear_attn.in_proj_b"},
                                                          {"delta.decay", "linear_attn.in_proj_a"}};
  return names;
}

}  // namespace spikesink::detail
