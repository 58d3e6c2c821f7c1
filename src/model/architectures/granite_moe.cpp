#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// Granite with experts in every layer.
ModelConfig read_granitemoe(ConfigKeys& keys) {
  auto config = read_granite(keys);
  config.mlp_bias = false;
  config.experts.count = keys.integer("num_local_experts");
  config.experts.experts_per_token = keys.integer("num_experts_per_tok");
  config.experts.d_mlp = config.d_mlp;
  config.experts.score = RouterScore::kChosenSoftmax;
  config.experts.renormalized = false;
  set_expert_layers(config, 0);
  keys.ignore({"output_router_logits", "router_aux_loss_coef"});
  return config;
}

ModelConfig read_granitemoeshared(ConfigKeys& keys) {
  auto config = read_granitemoe(keys);
  config.experts.d_shared = keys.integer("shared_intermediate_size", 0);
  config.experts.shared_gate = false;
  return config;
}

// All experts in two tensors, with the names of transformers 4 or 5.
WeightNames granitemoe_names() {
  const auto entries = [](const std::string& in, const std::string& out) {
    return std::vector<WeightName>{{"mlp.experts.{}.gate.weight", in, of_one_expert(half(0))},
                                   {"mlp.experts.{}.up.weight", in, of_one_expert(half(1))},
                                   {"mlp.experts.{}.down.weight", out, of_one_expert(unchanged())}};
  };
  const std::string block = "block_sparse_moe.";
  auto names = llama_names();
  names.in_layer = std::move(names.in_layer) +
                   entries(block + "input_linear.weight", block + "output_linear.weight") +
                   entries(block + "experts.gate_up_proj", block + "experts.down_proj") +
                   std::vector<WeightName>{{"mlp.router", block + "router.layer"},
                                           {"mlp.router", block + "router"},
                                           {"mlp.shared.gate", "shared_mlp.input_linear", half(0)},
                                           {"mlp.shared.up", "shared_mlp.input_linear", half(1)},
                                           {"mlp.shared.down", "shared_mlp.output_linear"}};
  return names;
}

}  // namespace spikesink::detail
