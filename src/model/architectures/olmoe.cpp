#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/layer_names.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {
namespace {

void read_olmo_experts(ConfigKeys& keys, ModelConfig& config) {
  config.experts.count =
      keys.integer(keys.has("num_experts") ? "num_experts" : "num_local_experts");
  config.experts.experts_per_token = keys.integer("num_experts_per_tok");
  config.experts.d_mlp = config.d_mlp;
  config.experts.renormalized = keys.flag("norm_topk_prob", false);
  set_expert_layers(config, 0);
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.qk_norm = QkNorm::kWhole;
  config.qk_norm_config = config.norm;
  keys.ignore({"output_router_logits", "router_aux_loss_coef"});
}

}  // namespace

// transformers clips queries and keys after their norm, which no published model needs.
ModelConfig read_olmoe(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5);
  read_olmo_experts(keys, config);
  keys.expect("clip_qkv", nullptr);
  return config;
}

// Norms on the outputs of blocks, as OLMo 2.
ModelConfig read_flex_olmo(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-6, {.theta = 500000.0});
  config.norm.scale_in_float32 = config.final_norm.scale_in_float32 = true;
  config.norm_placement = NormPlacement::kOutput;
  read_olmo_experts(keys, config);
  return config;
}

ModelConfig read_gguf_olmoe(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "olmoe");
  config.norm = config.final_norm = read_gguf_rms_norm(keys);
  config.ropes = {read_gguf_rope(keys, config)};
  config.experts.renormalized = false;
  config.qk_norm = QkNorm::kWhole;
  config.qk_norm_config = config.norm;
  return config;
}

WeightNames olmoe_names() {
  auto names = llama_names();
  names.in_layer = std::move(names.in_layer) + routed_experts();
  return names;
}

WeightNames flex_olmo_names() {
  auto names = olmo2_names();
  names.in_layer = std::move(names.in_layer) + routed_experts();
  return names;
}

}  // namespace spikesink::detail
