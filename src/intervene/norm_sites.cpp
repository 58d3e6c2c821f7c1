#include "intervene/norm_sites.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

const char* to_string(NormSite site) {
  switch (site) {
    case NormSite::kInput:
      return "front";
    case NormSite::kOutput:
      return "output";
    case NormSite::kSum:
      return "sum";
    case NormSite::kQuery:
      return "query";
    case NormSite::kKey:
      return "key";
    case NormSite::kFinal:
      break;
  }
  return "final";
}

namespace detail {

Norm& norm_at(Transformer& model, Block block, NormSite site) {
  if (site == NormSite::kFinal) return model->ln_final;
  auto& layer = model->layers[block.layer()];
  auto& [input, output, sum] = layer->norms(block.kind());
  switch (site) {
    case NormSite::kInput:
      return input;
    case NormSite::kOutput:
      return output;
    case NormSite::kSum:
      return sum;
    case NormSite::kQuery:
      return layer->attn->q_norm;
    default:
      return layer->attn->k_norm;
  }
}

std::string norm_name(const ModelConfig& config, Block block, NormSite site) {
  if (site == NormSite::kFinal) return "ln_final";
  if (site == NormSite::kQuery) return layer_hook_name(block.layer(), "attn.q_norm");
  if (site == NormSite::kKey) return layer_hook_name(block.layer(), "attn.k_norm");
  const bool first =
      block.kind() == BlockKind::kAttention ||
      (site == NormSite::kInput && config.residual == ResidualForm::kParallelSharedNorm);
  const std::string name = first ? "ln1" : "ln2";
  return layer_hook_name(block.layer(), site == NormSite::kOutput ? name + "_post" : name);
}

std::string norm_input(const Transformer& model, Block block, NormSite site) {
  const bool attention = block.kind() == BlockKind::kAttention;
  const auto in_layer = [&](std::string_view point) {
    return layer_hook_name(block.layer(), point);
  };
  switch (site) {
    case NormSite::kInput:
      if (attention || model->config().residual != ResidualForm::kSequential)
        return in_layer(kResidPre);
      return model->hidden_state_hook_name({block.number - 1});
    case NormSite::kOutput:
      return in_layer(attention ? kAttnOut : kMlpOut);
    case NormSite::kQuery:
      return in_layer(kQ);
    case NormSite::kKey:
      return in_layer(kK);
    default:
      return model->hidden_state_hook_name(block);
  }
}

}  // namespace detail
}  // namespace spikesink
