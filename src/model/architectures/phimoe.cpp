#include "model/architectures/families.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// LayerNorm; two experts, chosen by a sparse mixer.
ModelConfig read_phimoe(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5, {.theta = 1000000.0, .mscales = true});
  config.norm = config.final_norm = layer_norm(config.norm.epsilon);
  read_common_window(keys, config);
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  config.unembedding_bias = keys.flag("lm_head_bias", false);
  auto& experts = config.experts;
  experts.count = keys.integer("num_local_experts");
  keys.expect("num_experts_per_tok", 2);
  experts.experts_per_token = 2;
  experts.d_mlp = config.d_mlp;
  experts.score = RouterScore::kSparseMixer;
  experts.mixer_range = 2 * keys.number("router_jitter_noise", 0.01);
  set_expert_layers(config, 0);
  keys.ignore({"output_router_logits", "router_aux_loss_coef", "input_jitter_noise"});
  return config;
}

WeightNames phimoe_names() {
  auto names = mixtral_names();
  names.in_layer.push_back({"mlp.router", "mlp.router"});
  names.end.push_back({"unembed_bias", "lm_head.bias"});
  return names;
}

}  // namespace spikesink::detail
