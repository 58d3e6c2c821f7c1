#include "model/architectures/config_reading.h"
#include "model/architectures/families.h"
#include "model/architectures/layer_names.h"

namespace spikesink::detail {
namespace {

// All queries, the key and the value; with a key of each head, in the order of the heads.
Extract bigcode_qkv(QkvPart part) {
  return [stacked = stacked_qkv(part), grouped = grouped_qkv(part)](
             const auto& stored, const ModelConfig& config, int64_t expert) {
    return (config.n_key_value_heads == 1 ? stacked : grouped)(stored, config, expert);
  };
}

}  // namespace

ModelConfig read_gpt_bigcode(ConfigKeys& keys) {
  auto config = read_gpt2(keys);
  config.activation.kind = read_activation(keys, "activation_function", "gelu_pytorch_tanh");
  if (keys.flag("multi_query", true)) config.n_key_value_heads = 1;
  // What follows from the others, precision of products, and options of a server.
  keys.ignore({"num_key_value_heads", "attention_softmax_in_fp32",
               "scale_attention_softmax_in_fp32", "inference_runner", "validate_runner_input",
               "pre_allocate_kv_cache", "pad_key_length", "max_batch_size", "max_sequence_length"});
  return config;
}

// GPT-2's names, with matrices stored [out, in].
WeightNames gpt_bigcode_names() {
  auto names = gpt2_names();
  names.in_layer = {{"attn.q", "attn.c_attn", bigcode_qkv(QkvPart::kQuery)},
                    {"attn.k", "attn.c_attn", bigcode_qkv(QkvPart::kKey)},
                    {"attn.v", "attn.c_attn", bigcode_qkv(QkvPart::kValue)},
                    {"ln1", "ln_1"},
                    {"ln2", "ln_2"},
                    {"attn.o", "attn.c_proj"},
                    {"mlp.up", "mlp.c_fc"},
                    {"mlp.down", "mlp.c_proj"}};
  names.transposed_layers = false;
  return names;
}

}  // namespace spikesink::detail
