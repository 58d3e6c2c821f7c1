#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"
#include "model/architectures/gguf_reading.h"
#include "model/architectures/layer_names.h"

namespace spikesink::detail {
namespace {

void read_dbrx_attention(ConfigKeys& keys, ModelConfig& config) {
  auto attention = keys.object("attn_config", "dbrx.attn_config");
  config.n_key_value_heads = attention.integer("kv_n_heads", 1);
  keys.expect("num_key_value_heads", config.n_key_value_heads);
  config.qkv_clip = attention.number("clip_qkv", 0);
  // transformers 5.24 takes RoPE's base from outside this object; the published files have it here.
  const double theta = attention.number("rope_theta", 10000);
  config.ropes = {read_rope(keys, config, {.theta = theta})};
  if (config.ropes.front().theta != theta)
    attention.refuse("rope_theta", "that of rope_parameters");
  attention.ignore({"attn_pdrop"});
  ignore_housekeeping(attention);
  attention.refuse_or_ignore_unread();
}

void read_dbrx_experts(ConfigKeys& keys, ModelConfig& config) {
  auto feed_forward = keys.object("ffn_config", "dbrx.ffn_config");
  auto activation = feed_forward.object("ffn_act_fn", "dbrx.ffn_config.ffn_act_fn");
  config.activation.kind = read_activation(activation, "name", "silu");
  activation.refuse_or_ignore_unread();
  config.experts.d_mlp = feed_forward.integer("ffn_hidden_size", 3584);
  config.experts.count = feed_forward.integer("moe_num_experts", 4);
  config.experts.experts_per_token = feed_forward.integer("moe_top_k", 1);
  feed_forward.expect("hidden_size", config.d_model);
  // The power of the norm that divides the weights; null: none does.
  constexpr const char* kPower = "moe_normalize_expert_weights";
  const auto& fields = feed_forward.value();
  config.experts.renormalized = !fields.contains(kPower) || !fields[kPower].is_null();
  feed_forward.expect(kPower, 1.0);
  feed_forward.ignore({"moe_jitter_eps", "moe_loss_weight"});
  ignore_housekeeping(feed_forward);
  feed_forward.refuse_or_ignore_unread();
  set_expert_layers(config, 0);
}

}  // namespace

ModelConfig read_dbrx(ConfigKeys& keys) {
  ModelConfig config;
  config.model_type = keys.text("model_type");
  config.n_layers = keys.integer("n_layers");
  config.d_model = keys.integer("d_model");
  config.n_heads = keys.integer("n_heads");
  config.d_head = even_head_width(config);
  config.d_vocabulary = keys.integer("vocab_size");
  config.context = keys.integer("max_seq_len", 2048);
  config.norm = layer_norm(1e-5);
  config.norm.has_bias = false;
  config.final_norm = config.norm;
  read_dbrx_attention(keys, config);
  read_dbrx_experts(keys, config);
  keys.expect("tie_word_embeddings", false);
  keys.ignore({"output_router_logits", "move_model_to_device"});
  return config;
}

ModelConfig read_gguf_dbrx(GgufKeys& keys) {
  auto config = read_gguf_sizes(keys, "dbrx");
  config.norm = read_gguf_layer_norm(keys);
  config.norm.has_bias = false;
  config.final_norm = config.norm;
  config.ropes = {read_gguf_rope(keys, config)};
  config.qkv_clip = keys.number("attention.clamp_kqv");
  return config;
}

WeightNames gguf_dbrx_names() {
  auto names = gguf_names();
  names.in_layer = stacked_attention("attn_qkv") + std::move(names.in_layer);
  rename(names, "ln2", "attn_output_norm");
  return names;
}

// The rows of each tensor are those of all experts.
WeightNames dbrx_names() {
  const auto experts = std::string("ffn.experts.mlp.");
  return {
      .first = "wte.weight",
      .bases = {"transformer.", ""},
      .layer = "blocks.{}.",
      .body = {{"embed", "wte.weight"}, {"ln_final", "norm_f"}},
      .in_layer = stacked_attention("norm_attn_norm.attn.Wqkv") +
                  std::vector<WeightName>{
                      {"ln1", "norm_attn_norm.norm_1"},
                      {"ln2", "norm_attn_norm.norm_2"},
                      {"attn.o", "norm_attn_norm.attn.out_proj"},
                      {"mlp.router", "ffn.router.layer"},
                      {"mlp.experts.{}.gate.weight", experts + "w1", rows_of_one_expert()},
                      {"mlp.experts.{}.up.weight", experts + "v1", rows_of_one_expert()},
                      {"mlp.experts.{}.down.weight", experts + "w2",
                       chain(rows_of_one_expert(), transposed())}},
      .end = {{"unembed", "lm_head.weight"}},
      .superfluous = {},
  };
}

}  // namespace spikesink::detail
