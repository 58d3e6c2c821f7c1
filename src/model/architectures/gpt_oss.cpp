#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/llama.h"

namespace spikesink::detail {
namespace {

void set_feed_forward(ModelConfig& config) {
  config.activation.kind = Activation::kQuickGelu;
  config.mlp_clamp = 7;
  config.up_offset = 1;
  config.mlp_bias = true;
}

}  // namespace

// Learned sink logits, a sliding window in every second layer, experts in every layer.
ModelConfig read_gpt_oss(ConfigKeys& keys) {
  auto config = read_llama_like(keys, 1e-5, {.theta = 150000.0});
  config.norm.scale_in_float32 = config.final_norm.scale_in_float32 = true;
  config.qkv_bias = config.attention_output_bias = keys.flag("attention_bias", true);
  config.sink_logits = true;
  read_windows(keys, config, keys.integer("sliding_window", 128),
               [](int64_t layer) { return layer % 2 == 0; });
  set_feed_forward(config);
  config.activation.sigmoid_slope = keys.number("swiglu_alpha", config.activation.sigmoid_slope);
  config.mlp_clamp = keys.number("swiglu_limit", config.mlp_clamp);
  config.experts.count = keys.integer("num_local_experts");
  const auto legacy = keys.integer("experts_per_token", 4);
  config.experts.experts_per_token = keys.integer("num_experts_per_tok", legacy);
  config.experts.d_mlp = config.d_mlp;
  config.experts.router_bias = true;
  for (auto& layer : config.layers) layer.has_experts = true;
  keys.ignore({"output_router_logits", "router_aux_loss_coef", "initial_context_length"});
  return config;
}

ModelConfig read_gguf_gpt_oss(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "gpt_oss");
  config.norm = read_gguf_rms_norm(keys);
  config.norm.scale_in_float32 = true;
  config.final_norm = config.norm;
  config.experts.d_mlp = keys.layer_integer("expert_feed_forward_length");
  config.ropes = {read_gguf_rope(keys, config)};
  config.ropes.front().scaling.truncate = false;
  read_gguf_windows(keys, config, keys.integer("attention.sliding_window"), 2);
  read_gguf_sliding_rope(keys, config, config.ropes.front());
  config.sink_logits = true;
  set_feed_forward(config);
  return config;
}

WeightNames gguf_gpt_oss_names() {
  auto names = gguf_names();
  rename(names, "ln2", "post_attention_norm");
  return names;
}

// Each expert has one matrix [in, out] with alternating columns of gate and up.
WeightNames gpt_oss_names() {
  const auto column = [](int64_t index) {
    return of_one_expert(chain(transposed(), alternate_rows(index)));
  };
  auto names = llama_names();
  names.in_layer =
      std::move(names.in_layer) +
      std::vector<WeightName>{
          {"attn.sinks", "self_attn.sinks"},
          {"mlp.router", "mlp.router"},
          {"mlp.experts.{}.gate.weight", "mlp.experts.gate_up_proj", column(0)},
          {"mlp.experts.{}.gate.bias", "mlp.experts.gate_up_proj_bias", column(0)},
          {"mlp.experts.{}.up.weight", "mlp.experts.gate_up_proj", column(1)},
          {"mlp.experts.{}.up.bias", "mlp.experts.gate_up_proj_bias", column(1)},
          {"mlp.experts.{}.down.weight", "mlp.experts.down_proj", of_one_expert(transposed())},
          {"mlp.experts.{}.down.bias", "mlp.experts.down_proj_bias", of_one_expert(unchanged())},
      };
  return names;
}

}  // namespace spikesink::detail
