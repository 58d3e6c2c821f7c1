#include "model/architectures/families.h"
#include "model/architectures/layer_names.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

ModelConfig read_mixtral(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5, {.theta = 1000000.0});
  read_common_window(keys, config);
  config.experts.count = keys.integer("num_local_experts");
  config.experts.experts_per_token = keys.integer("num_experts_per_tok");
  config.experts.d_mlp = config.d_mlp;
  for (auto& layer : config.layers) layer.has_experts = true;
  keys.ignore({"output_router_logits", "router_aux_loss_coef", "router_jitter_noise"});
  return config;
}

// w1, w2 and w3 are gate, down and up.
WeightNames mixtral_names() {
  auto names = llama_names();
  names.in_layer = std::move(names.in_layer) +
                   std::vector<WeightName>{
                       {"mlp.router", "block_sparse_moe.gate"},
                       {"mlp.experts.{}.gate", "block_sparse_moe.experts.{}.w1"},
                       {"mlp.experts.{}.down", "block_sparse_moe.experts.{}.w2"},
                       {"mlp.experts.{}.up", "block_sparse_moe.experts.{}.w3"},
                       {"mlp.router", "mlp.gate"},
                   } +
                   experts_in_one_tensor();
  return names;
}

}  // namespace spikesink::detail
