#include <cmath>

#include "model/architectures/families.h"
#include "model/architectures/layer_names.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// Sandwich norms, gates on the head outputs, and RoPE in the layers with a window alone.
ModelConfig read_afmoe(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5);
  config.d_head = keys.integer("head_dim", 128);
  config.ropes = {read_rope(keys, config)};
  config.norm_placement = NormPlacement::kSandwich;
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  config.gate = {GateInput::kHidden, GateWidth::kChannel};
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  if (keys.flag("mup_enabled", false))
    config.embedding_multiplier = std::sqrt(static_cast<double>(config.d_model));
  const auto period = keys.integer("global_attn_every_n_layers", 4);
  if (period < 1) keys.refuse("global_attn_every_n_layers", "a positive number");
  read_windows(keys, config, keys.integer("sliding_window", 1024),
               [&](int64_t layer) { return (layer + 1) % period != 0; });
  for (auto& layer : config.layers) {
    if (layer.window == 0) layer.rope = LayerConfig::kNoRope;
  }
  auto& experts = config.experts;
  experts.count = keys.integer("num_experts", 64);
  experts.experts_per_token = keys.integer("num_experts_per_tok", 6);
  experts.d_mlp = keys.integer("moe_intermediate_size", 1408);
  experts.d_shared = read_product(keys, "num_shared_experts", experts.d_mlp);
  experts.shared_gate = false;
  experts.score = RouterScore::kSigmoid;
  experts.choice_bias = true;
  experts.weight_scale = keys.number("route_scale", 1);
  set_expert_layers(config, keys.integer("num_dense_layers", 1));
  keys.ignore({"output_router_logits"});
  return config;
}

WeightNames afmoe_names() {
  auto names = llama_names();
  rename(names, "ln2", "pre_mlp_layernorm");
  names.in_layer = std::move(names.in_layer) + routed_experts() +
                   std::vector<WeightName>{{"ln1_post", "post_attention_layernorm"},
                                           {"ln2_post", "post_mlp_layernorm"},
                                           {"attn.gate.map", "self_attn.gate_proj"},
                                           {"mlp.choice_bias", "mlp.expert_bias"},
                                           {"mlp.shared.gate", "mlp.shared_experts.gate_proj"},
                                           {"mlp.shared.up", "mlp.shared_experts.up_proj"},
                                           {"mlp.shared.down", "mlp.shared_experts.down_proj"}};
  rename(names, "mlp.router", "mlp.router.gate");
  return names;
}

}  // namespace spikesink::detail
