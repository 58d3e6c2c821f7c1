#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/layer_names.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {
namespace {

void read_ernie_layers(ConfigKeys& keys, ModelConfig& config) {
  const auto first = keys.integer("moe_layer_start_index", 1);
  const auto last = keys.integer("moe_layer_end_index", -1);
  const auto interval = keys.integer("moe_layer_interval", 1);
  if (interval < 1) keys.refuse("moe_layer_interval", "a positive number");
  auto& layers = each_layer(config);
  for (size_t number = 0; number < layers.size(); ++number) {
    const auto layer = static_cast<int64_t>(number);
    layers[number].has_experts =
        (layer + 1) % interval == 0 && layer >= first && (last == -1 || layer <= last);
  }
}

}  // namespace

// A softmax over all experts, and a bias for their choice.
ModelConfig read_ernie4_5_moe(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5, {.theta = 500000.0});
  config.tied_embeddings = keys.flag("tie_word_embeddings", true);
  keys.expect("use_bias", false);
  auto& experts = config.experts;
  experts.count = keys.integer(keys.has("moe_num_experts") ? "moe_num_experts" : "num_experts");
  experts.experts_per_token = keys.integer(keys.has("moe_k") ? "moe_k" : "num_experts_per_tok");
  experts.d_mlp = keys.integer("moe_intermediate_size");
  experts.d_shared = read_product(keys, "moe_num_shared_experts", experts.d_mlp);
  experts.shared_gate = false;
  experts.choice_bias = true;
  experts.least_sum = keys.number("moe_norm_min", 1e-12);
  read_ernie_layers(keys, config);
  keys.ignore({"output_router_logits", "router_aux_loss_coef"});
  return config;
}

ModelConfig read_gguf_ernie4_5_moe(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "ernie4_5_moe");
  config.norm = config.final_norm = read_gguf_rms_norm(keys);
  config.ropes = {read_gguf_rope(keys, config)};
  read_gguf_experts(keys, config);
  config.experts.d_shared = keys.integer("expert_shared_feed_forward_length", 0);
  config.experts.least_sum = 1e-12;
  const auto step = keys.integer("interleave_moe_layer_step");
  if (step < 1) keys.refuse("interleave_moe_layer_step", "a positive number");
  auto& layers = each_layer(config);
  for (size_t number = 0; number < layers.size(); ++number) {
    if ((static_cast<int64_t>(number) + 1) % step != 0) layers[number].has_experts = false;
  }
  return config;
}

// RoPE's pairs are adjacent rows.
WeightNames ernie4_5_moe_names() {
  auto names = llama_names();
  for (auto& name : names.in_layer) {
    if (name.parameter == "attn.q") name.extract = interleaved_pairs(QkvPart::kQuery);
    if (name.parameter == "attn.k") name.extract = interleaved_pairs(QkvPart::kKey);
  }
  const auto statics = "moe_statics.e_score_correction_bias";
  names.in_layer =
      std::move(names.in_layer) + routed_experts() +
      std::vector<WeightName>{{"mlp.choice_bias", std::string("mlp.") + statics, flattened()},
                              {"mlp.choice_bias", std::string("mlp.gate.") + statics, flattened()},
                              {"mlp.shared.gate", "mlp.shared_experts.gate_proj"},
                              {"mlp.shared.up", "mlp.shared_experts.up_proj"},
                              {"mlp.shared.down", "mlp.shared_experts.down_proj"}};
  names.superfluous.push_back("model.mtp*");
  return names;
}

}  // namespace spikesink::detail
