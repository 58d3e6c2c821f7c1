#include "model/architectures/deepseek.h"

#include <algorithm>
#include <cmath>

#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/layer_names.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {
namespace {

constexpr int64_t kSigmoidScores = 2;

void read_expert_sizes(ConfigKeys& keys, ExpertsConfig& experts, const char* other_key) {
  experts.count = keys.integer(keys.has("n_routed_experts") ? "n_routed_experts" : other_key);
  experts.experts_per_token = keys.integer("num_experts_per_tok");
  experts.d_mlp = keys.integer("moe_intermediate_size");
  experts.d_shared = read_product(keys, "n_shared_experts", experts.d_mlp);
  experts.shared_gate = false;
  experts.weight_scale = keys.number("routed_scaling_factor");
  keys.expect("moe_layer_freq", 1);
}

// As in llama.cpp, YaRN scales the dot products alone; that is right if `mscale` is
// `mscale_all_dim`, which alone is in the file.
void read_gguf_yarn(GgufKeys& keys, ModelConfig& config) {
  auto& scaling = config.ropes.front().scaling;
  const double multiplier = keys.number("rope.scaling.yarn_log_multiplier", 0);
  if (scaling.kind != RopeScalingKind::kYarn) return;
  if (!(multiplier > 0)) keys.refuse("rope.scaling.yarn_log_multiplier", "a positive number");
  scaling.attention_factor = 1;
  const double factor = 1 + multiplier * std::log(std::max(scaling.factor, 1.0));
  config.attention_scale = factor * factor / std::sqrt(static_cast<double>(config.d_head));
}

}  // namespace

void read_latent(ConfigKeys& keys, ModelConfig& config, int64_t d_value) {
  auto& latent = config.latent;
  latent.kv_rank = keys.integer("kv_lora_rank");
  latent.q_rank = keys.integer("q_lora_rank", 0);
  latent.d_rope = keys.integer("qk_rope_head_dim");
  latent.norm = rms_norm(1e-6);
  config.d_head = latent.d_rope;
  config.ropes = {read_rope(keys, config)};
  if (__builtin_add_overflow(keys.integer("qk_nope_head_dim"), latent.d_rope, &config.d_head))
    keys.refuse("qk_nope_head_dim", "a smaller number");
  config.d_value = d_value > 0 ? keys.integer("v_head_dim", d_value) : keys.integer("v_head_dim");
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  const double factor = read_softmax_factor(keys);
  if (factor != 1) config.attention_scale = factor / std::sqrt(static_cast<double>(config.d_head));
  keys.ignore({"head_dim", "qk_head_dim"});
}

std::vector<WeightName> latent_attention() {
  const auto down = "self_attn.kv_a_proj_with_mqa", up = "self_attn.kv_b_proj";
  return {{"attn.latent.q_down", "self_attn.q_a_proj"},
          {"attn.latent.q_latent_norm", "self_attn.q_a_layernorm"},
          {"attn.latent.q_up", "self_attn.q_b_proj", latent_part(LatentPart::kQuery)},
          {"attn.latent.q_up", "self_attn.q_proj", latent_part(LatentPart::kQuery)},
          {"attn.latent.kv_down", down, latent_part(LatentPart::kLatent)},
          {"attn.latent.k_rope", down, latent_part(LatentPart::kSharedKey)},
          {"attn.latent.kv_latent_norm", "self_attn.kv_a_layernorm"},
          {"attn.latent.k_up", up, latent_part(LatentPart::kKey)},
          {"attn.latent.v_up", up, latent_part(LatentPart::kValue)}};
}

void read_sigmoid_experts(ConfigKeys& keys, ModelConfig& config) {
  auto& experts = config.experts;
  read_expert_sizes(keys, experts, "num_local_experts");
  experts.score = RouterScore::kSigmoid;
  experts.choice_bias = true;
  experts.groups = keys.integer("n_group", 1);
  experts.groups_per_token = keys.integer("topk_group", 1);
  experts.renormalized = keys.flag("norm_topk_prob", true);
  experts.least_sum = 1e-20;
  // transformers does not ask for these; the published code of the models does.
  keys.expect("scoring_func", "sigmoid");
  keys.expect("topk_method", "noaux_tc");
  keys.ignore({"num_nextn_predict_layers", "num_mtp_layers", "output_router_logits"});
}

std::vector<WeightName> deepseek_experts() {
  return routed_experts() +
         std::vector<WeightName>{{"mlp.choice_bias", "mlp.gate.e_score_correction_bias"},
                                 {"mlp.shared.gate", "mlp.shared_experts.gate_proj"},
                                 {"mlp.shared.up", "mlp.shared_experts.up_proj"},
                                 {"mlp.shared.down", "mlp.shared_experts.down_proj"}};
}

ModelConfig read_gguf_deepseek2(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "deepseek_v2");
  config.norm = config.final_norm = read_gguf_rms_norm(keys);
  auto& latent = config.latent;
  latent.kv_rank = keys.integer("attention.kv_lora_rank");
  latent.q_rank = keys.integer("attention.q_lora_rank", 0);
  latent.d_rope = keys.integer("rope.dimension_count");
  latent.norm = rms_norm(1e-6);
  latent.adjacent_pairs = true;
  config.n_key_value_heads = config.n_heads;
  config.d_head = keys.integer("attention.key_length_mla");
  config.d_value = keys.integer("attention.value_length_mla");
  keys.ignore({"attention.value_length"});
  config.ropes = {read_gguf_rope(keys, config)};
  read_gguf_yarn(keys, config);
  if (keys.integer("expert_gating_func", 1) == kSigmoidScores) {
    config.model_type = "deepseek_v3";
    read_gguf_sigmoid_experts(keys, config);
    return config;
  }
  keys.expect("expert_gating_func", int64_t{1});
  keys.expect("expert_weights_norm", false);
  read_gguf_experts(keys, config);
  if (config.experts.choice_bias)
    keys.refuse("expert_gating_func", "a sigmoid, as there is a bias for the choice");
  config.experts.renormalized = false;
  config.experts.group_score = GroupScore::kBest;
  return config;
}

WeightNames gguf_deepseek2_names() {
  const auto per_head = [](bool is_transposed) -> Extract {
    return [=](const auto& stored, const auto&, int64_t) {
      return (is_transposed ? stored.transpose(1, 2) : stored).flatten(0, 1);
    };
  };
  auto names = gguf_names();
  std::erase_if(names.in_layer, [](const auto& name) { return name.parameter == "attn.q"; });
  names.in_layer = std::move(names.in_layer) +
                   std::vector<WeightName>{
                       {"attn.latent.q_down", "attn_q_a"},
                       {"attn.latent.q_latent_norm", "attn_q_a_norm"},
                       {"attn.latent.q_up", "attn_q_b", latent_part(LatentPart::kQuery)},
                       {"attn.latent.q_up", "attn_q", latent_part(LatentPart::kQuery)},
                       {"attn.latent.kv_down", "attn_kv_a_mqa", latent_part(LatentPart::kLatent)},
                       {"attn.latent.k_rope", "attn_kv_a_mqa", latent_part(LatentPart::kSharedKey)},
                       {"attn.latent.kv_latent_norm", "attn_kv_a_norm"},
                       {"attn.latent.k_up", "attn_k_b", per_head(true)},
                       {"attn.latent.v_up", "attn_v_b", per_head(false)}};
  names.has_prediction_layer = true;
  return names;
}

void read_gguf_sigmoid_experts(GgufKeys& keys, ModelConfig& config) {
  read_gguf_experts(keys, config);
  keys.expect("expert_gating_func", kSigmoidScores);
  config.experts.score = RouterScore::kSigmoid;
  config.experts.renormalized = keys.flag("expert_weights_norm", false);
  config.experts.least_sum = 1e-20;
}

ModelConfig read_deepseek_v2(ConfigKeys& keys) {
  auto config = read_llama_like(keys);
  read_latent(keys, config);
  config.latent.adjacent_pairs = true;
  auto& experts = config.experts;
  read_expert_sizes(keys, experts, "num_experts");
  experts.renormalized = false;
  const auto method = keys.text("topk_method", "greedy");
  if (method == "group_limited_greedy") {
    experts.groups = keys.integer("n_group");
    experts.groups_per_token = keys.integer("topk_group");
    experts.group_score = GroupScore::kBest;
  } else if (method != "greedy") {
    keys.refuse("topk_method", "greedy or group_limited_greedy");
  }
  set_expert_layers(config, keys.integer("first_k_dense_replace", 0));
  keys.expect("mlp_bias", false);
  // transformers does not ask for these; the published code of the models does.
  keys.expect("scoring_func", "softmax");
  keys.expect("norm_topk_prob", false);
  keys.ignore({"n_group", "topk_group", "output_router_logits"});
  return config;
}

// Kimi K2 too.
ModelConfig read_deepseek_v3(ConfigKeys& keys) {
  auto config = read_llama_like(keys);
  read_latent(keys, config);
  config.latent.adjacent_pairs = keys.flag("rope_interleave", true);
  read_sigmoid_experts(keys, config);
  set_expert_layers(config, keys.integer("first_k_dense_replace"));
  return config;
}

WeightNames deepseek_names() {
  auto names = llama_names();
  names.in_layer = std::move(names.in_layer) + latent_attention() + deepseek_experts();
  names.has_prediction_layer = true;
  return names;
}

}  // namespace spikesink::detail
