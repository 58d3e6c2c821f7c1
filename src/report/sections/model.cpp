#include "report/json_values.h"
#include "report/section.h"
#include "spikesink/model/model_config.h"

#include <set>

namespace spikesink::detail {

void add_section(const ModelConfig& config, ReportDocument& report) {
  std::set<int64_t> windows;
  for (const auto& layer : config.layers) {
    if (layer.window > 0) windows.insert(layer.window);
  }
  const json fields = {{"model_type", config.model_type},
                       {"n_layers", config.n_layers},
                       {"d_model", config.d_model},
                       {"d_mlp", config.d_mlp},
                       {"n_heads", config.n_heads},
                       {"n_key_value_heads", config.n_key_value_heads},
                       {"d_head", config.d_head},
                       {"d_value", config.value_width()},
                       {"q_rank", config.latent.q_rank},
                       {"kv_rank", config.latent.kv_rank},
                       {"d_vocabulary", config.d_vocabulary},
                       {"context", config.context},
                       {"causal", config.causal},
                       {"norm", to_string(config.norm.kind)},
                       {"norm_epsilon", config.norm.epsilon},
                       {"norm_placement", to_string(config.norm_placement)},
                       {"residual", to_string(config.residual)},
                       {"qk_norm", to_string(config.qk_norm)},
                       {"positions", config.position_encoding()},
                       {"activation", to_string(config.activation.kind)},
                       {"gated", config.gated},
                       {"experts", config.experts.count},
                       {"sink_logits", config.sink_logits},
                       {"attention_gate", to_string(config.gate.input)},
                       {"attention_gate_width", to_string(config.gate.width)},
                       {"attention_layers", config.attention_layers()},
                       {"attention_softcap", config.attention_softcap},
                       {"windows", windows},
                       {"tied_embeddings", config.tied_embeddings},
                       {"quantisation", config.quantisation},
                       {"activation_scales", config.activation_scales},
                       {"ignored_keys", config.ignored_keys},
                       {"ignored_tensors", config.ignored_tensors}};
  report.json["model"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const ModelConfig&);
}  // namespace spikesink
