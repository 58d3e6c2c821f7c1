#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {

// Feed-forwards of two matrices with xIELU, whose parameters are stored in each layer.
ModelConfig read_apertus(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  read_sizes(keys, config);
  config.norm = config.final_norm = rms_norm(keys.number("rms_norm_eps", 1e-5));
  config.qk_norm = QkNorm::kPerHead;
  config.qk_norm_config = config.norm;
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", false);
  if (!keys.has("rope_parameters") && !keys.has("rope_scaling"))
    keys.refuse("rope_parameters", "the parameters of RoPE");
  config.ropes = {read_rope(keys, config, {.theta = 12000000.0})};
  config.gated = false;
  config.activation.kind = keys.text("hidden_act", "xielu") == "xielu"
                               ? Activation::kXielu
                               : read_activation(keys, "hidden_act", "xielu");
  config.tied_embeddings = keys.flag("tie_word_embeddings", false);
  return config;
}

WeightNames apertus_names() {
  auto names = llama_names();
  rename(names, "ln1", "attention_layernorm");
  rename(names, "ln2", "feedforward_layernorm");
  const auto scalar = [](const auto& stored, const auto&, int64_t) { return stored.reshape({1}); };
  for (const std::string name : {"alpha_p", "alpha_n", "beta", "eps"})
    names.in_layer.push_back({"mlp." + name, "mlp.act_fn." + name, scalar});
  return names;
}

}  // namespace spikesink::detail
