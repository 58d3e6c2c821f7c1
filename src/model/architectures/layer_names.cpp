#include "model/architectures/layer_names.h"

#include <utility>

namespace spikesink::detail {

std::vector<WeightName> stacked_attention(const std::string& tensor, bool stored_transposed) {
  return {{"attn.q", tensor, stacked_qkv(QkvPart::kQuery, stored_transposed)},
          {"attn.k", tensor, stacked_qkv(QkvPart::kKey, stored_transposed)},
          {"attn.v", tensor, stacked_qkv(QkvPart::kValue, stored_transposed)}};
}

void reorder_interleaved(std::vector<WeightName>& layer) {
  for (auto& name : layer) {
    const bool query = name.parameter == "attn.q" || name.parameter == "attn.q_norm";
    const bool key = name.parameter == "attn.k" || name.parameter == "attn.k_norm";
    if (!query && !key) continue;
    auto pairs = interleaved_pairs(query ? QkvPart::kQuery : QkvPart::kKey);
    name.extract = name.extract ? chain(std::move(name.extract), std::move(pairs)) : pairs;
  }
}

std::vector<WeightName> megatron_layer(const std::string& attention) {
  const auto fused = attention + ".query_key_value";
  return {{"ln1", "input_layernorm"},
          {"ln2", "post_attention_layernorm"},
          {"attn.q", fused, grouped_qkv(QkvPart::kQuery)},
          {"attn.k", fused, grouped_qkv(QkvPart::kKey)},
          {"attn.v", fused, grouped_qkv(QkvPart::kValue)},
          {"attn.o", attention + ".dense"},
          {"mlp.up", "mlp.dense_h_to_4h"},
          {"mlp.down", "mlp.dense_4h_to_h"}};
}

void add_multimodal_names(WeightNames& names) {
  names.end.push_back({"unembed", "language_model.lm_head.weight"});
  for (const char* module : {"vision_tower", "multi_modal_projector", "visual"}) {
    for (const char* prefix : {"", "model."})
      names.superfluous.push_back(std::string(prefix) + module + ".*");
  }
}

std::vector<WeightName> routed_experts() {
  return std::vector<WeightName>{{"mlp.router", "mlp.gate"},
                                 {"mlp.experts.{}.gate", "mlp.experts.{}.gate_proj"},
                                 {"mlp.experts.{}.up", "mlp.experts.{}.up_proj"},
                                 {"mlp.experts.{}.down", "mlp.experts.{}.down_proj"}} +
         experts_in_one_tensor();
}

std::vector<WeightName> experts_in_one_tensor() {
  return {{"mlp.experts.{}.gate.weight", "mlp.experts.gate_up_proj", of_one_expert(half(0))},
          {"mlp.experts.{}.up.weight", "mlp.experts.gate_up_proj", of_one_expert(half(1))},
          {"mlp.experts.{}.down.weight", "mlp.experts.down_proj", of_one_expert(unchanged())}};
}

}  // namespace spikesink::detail
