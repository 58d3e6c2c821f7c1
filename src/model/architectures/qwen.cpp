#include "model/architectures/qwen.h"
#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/layer_names.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {
namespace {

// `sliding_window` is used only if `use_sliding_window` is true.
int64_t read_window(ConfigKeys& keys) {
  const auto window = keys.integer("sliding_window", 0);
  return keys.flag("use_sliding_window", false) ? window : 0;
}

// Whether the output of each head has a gate, whose logits are rows of q_proj (arXiv 2505.06708).
GateConfig read_gate(ConfigKeys& keys) {
  const bool per_head = keys.flag("headwise_attn_output_gate", false);
  const bool per_channel = keys.flag("elementwise_attn_output_gate", false);
  if (per_head && per_channel)
    keys.refuse("elementwise_attn_output_gate", "false, since headwise_attn_output_gate is true");
  if (!per_head && !per_channel) return {};
  return {GateInput::kHidden, per_head ? GateWidth::kHead : GateWidth::kChannel};
}

// Rows of q_proj, by key head: the query heads of its group, then their gates.
Extract group_rows(bool of_gates) {
  return rows_of_groups([of_gates](const ModelConfig& config) {
    const int64_t groups = config.n_key_value_heads;
    const int64_t queries = config.n_heads / groups * config.d_head;
    if (of_gates) return GroupRows{groups, queries, config.gate_factors() / groups};
    return GroupRows{groups, 0, queries};
  });
}

}  // namespace

void read_qwen_experts(ConfigKeys& keys, ModelConfig& config, bool renormalized) {
  const char* count = keys.has("num_experts") ? "num_experts" : "num_local_experts";
  config.experts.count = keys.integer(count);
  config.experts.experts_per_token = keys.integer("num_experts_per_tok");
  config.experts.d_mlp = keys.integer("moe_intermediate_size");
  config.experts.renormalized = keys.flag("norm_topk_prob", renormalized);
  const auto step = keys.integer("decoder_sparse_step", 1);
  if (step < 1) keys.refuse("decoder_sparse_step", "a positive number");
  auto& layers = each_layer(config);
  for (size_t number = 0; number < layers.size(); ++number)
    layers[number].has_experts = (static_cast<int64_t>(number) + 1) % step == 0;
  if (keys.has("mlp_only_layers")) {
    for (const auto number : keys.integers("mlp_only_layers")) {
      if (number < 0 || number >= config.n_layers) keys.refuse("mlp_only_layers", "layer indices");
      layers[static_cast<size_t>(number)].has_experts = false;
    }
  }
  keys.ignore({"output_router_logits", "router_aux_loss_coef"});
}

ModelConfig read_qwen2(ConfigKeys& keys) {
  auto config = read_llama_like(keys);
  config.qkv_bias = true;
  const auto first = keys.integer("max_window_layers", 28);
  read_windows(keys, config, read_window(keys), [&](int64_t layer) { return layer >= first; });
  return config;
}

ModelConfig read_qwen3(ConfigKeys& keys) {
  auto config = read_qwen2(keys);
  config.d_head = keys.integer("head_dim", 128);
  config.ropes = {read_rope(keys, config)};
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  config.gate = read_gate(keys);
  if (config.gate.input != GateInput::kNone && config.qkv_bias)
    keys.refuse("attention_bias", "false in a model with gates");
  return config;
}

// Also of Qwen2.5-VL.
ModelConfig read_qwen2_vl_text(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5, {.theta = 1000000.0}, {.n_key_value_heads = 8});
  config.qkv_bias = true;
  const auto first = keys.integer("max_window_layers", 80);
  read_windows(keys, config, read_window(keys), [&](int64_t layer) { return layer >= first; });
  return config;
}

ModelConfig read_qwen3_vl_text(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-6, {.theta = 500000.0}, {.d_head = 128});
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  return config;
}

ModelConfig read_qwen2_moe(ConfigKeys& keys) {
  auto config = read_llama_like(keys);
  config.qkv_bias = keys.flag("qkv_bias", true);
  read_qwen_experts(keys, config, /*renormalized=*/false);
  config.experts.d_shared = keys.integer("shared_expert_intermediate_size");
  const auto last = keys.integer("max_window_layers", 28);
  read_windows(keys, config, read_window(keys),
               [&](int64_t layer) { return layer % 2 == 0 && layer < last; });
  return config;
}

ModelConfig read_qwen3_moe(ConfigKeys& keys) {
  auto config = read_llama_like(keys);
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  read_qwen_experts(keys, config, /*renormalized=*/false);
  const auto window = read_window(keys);
  for (auto& layer : config.layers) layer.window = window;
  keys.ignore({"max_window_layers"});
  return config;
}

ModelConfig read_gguf_qwen2(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "qwen2");
  config.norm = config.final_norm = read_gguf_rms_norm(keys);
  config.ropes = {read_gguf_rope(keys, config)};
  return config;
}

ModelConfig read_gguf_qwen3(GgufKeys& keys) {
  auto config = read_gguf_qwen2(keys);
  config.model_type = "qwen3";
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  return config;
}

WeightNames qwen3_names() {
  auto names = llama_names();
  rename(names, "attn.q", "self_attn.q_proj", group_rows(false));
  names.in_layer.push_back({"attn.gate.map", "self_attn.q_proj", group_rows(true)});
  return names;
}

WeightNames qwen_moe_names() {
  auto names = llama_names();
  names.in_layer = std::move(names.in_layer) + routed_experts() +
                   std::vector<WeightName>{
                       {"mlp.shared.gate", "mlp.shared_expert.gate_proj"},
                       {"mlp.shared.up", "mlp.shared_expert.up_proj"},
                       {"mlp.shared.down", "mlp.shared_expert.down_proj"},
                       {"mlp.shared_expert_gate", "mlp.shared_expert_gate"},
                   };
  return names;
}

}  // namespace spikesink::detail
