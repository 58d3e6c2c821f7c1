#include "model/architectures/families.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// Llama's layout with LayerNorms; RoPE rotates a quarter of each head's dimensions.
ModelConfig read_stablelm(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-6, {.fraction = 0.25, .partial = true});
  config.norm = config.final_norm = layer_norm(keys.number("layer_norm_eps", 1e-5));
  config.residual = keys.flag("use_parallel_residual", false) ? ResidualForm::kParallelSharedNorm
                                                              : ResidualForm::kSequential;
  config.qkv_bias = keys.flag("use_qkv_bias", false);
  if (keys.flag("qk_layernorm", false)) {
    config.qk_norm = QkNorm::kPerHeadScale;
    config.qk_norm_config = config.norm;
    config.qk_norm_config.has_bias = false;
  }
  return config;
}

WeightNames stablelm_names() {
  auto names = llama_names();
  rename(names, "attn.q_norm", "self_attn.q_layernorm.norms.{}");
  rename(names, "attn.k_norm", "self_attn.k_layernorm.norms.{}");
  return names;
}

}  // namespace spikesink::detail
