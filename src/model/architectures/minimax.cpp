#include <algorithm>

#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// A sigmoid, and a bias for the choice of experts; QK-norm over all heads; partial RoPE.
ModelConfig read_minimax_m2(ConfigKeys& keys) {
  constexpr double kTheta = 5000000.0;
  const RopeDefaults all{.theta = kTheta, .partial = true};
  auto config = read_llama_like(keys, 1e-6, all);
  if (keys.has("rotary_dim")) {
    const double rotated = static_cast<double>(keys.integer("rotary_dim"));
    const double fraction = rotated / static_cast<double>(std::max<int64_t>(config.d_head, 1));
    config.ropes = {
        read_rope(keys, config, {.theta = kTheta, .fraction = fraction, .partial = true})};
  }
  config.qk_norm = QkNorm::kWhole;
  config.qk_norm_config = config.norm;
  auto& experts = config.experts;
  experts.count = keys.integer(keys.has("num_local_experts") ? "num_local_experts" : "num_experts");
  experts.experts_per_token = keys.integer("num_experts_per_tok");
  experts.d_mlp = config.d_mlp;
  experts.score = RouterScore::kSigmoid;
  experts.choice_bias = true;
  set_expert_layers(config, 0);
  // transformers does not ask for these; the published code of the models does.
  keys.expect("scoring_func", "sigmoid");
  keys.expect("use_qk_norm", true);
  keys.expect("use_routing_bias", true);
  keys.ignore({"output_router_logits", "router_aux_loss_coef", "router_jitter_noise"});
  return config;
}

ModelConfig read_gguf_minimax_m2(GgufKeys& keys) {
  constexpr int64_t kSigmoid = 2;
  auto config = read_gguf_sizes(keys, "minimax_m2");
  config.norm = config.final_norm = read_gguf_rms_norm(keys);
  config.ropes = {read_gguf_rope(keys, config)};
  config.qk_norm = QkNorm::kWhole;
  config.qk_norm_config = config.norm;
  read_gguf_experts(keys, config);
  config.experts.score = RouterScore::kSigmoid;
  keys.expect("expert_gating_func", kSigmoid);
  return config;
}

WeightNames minimax_m2_names() {
  auto names = mixtral_names();
  names.in_layer =
      std::move(names.in_layer) +
      std::vector<WeightName>{{"mlp.choice_bias", "block_sparse_moe.e_score_correction_bias"},
                              {"mlp.choice_bias", "mlp.e_score_correction_bias"}};
  return names;
}

}  // namespace spikesink::detail
