#include "measure/spikes/stream_norms.h"

#include <algorithm>

#include "spikesink/hooks/hook_names.h"

namespace spikesink::detail {

using namespace hook_names;

namespace {

// Returns the norms of a layer in the order of LayerImpl::forward. Not all of them exist in every
// model.
std::vector<StreamNorm> norms_of_layer(const ModelConfig& config, int64_t layer) {
  const auto ln1 = layer_hook_name(layer, "ln1"), ln2 = layer_hook_name(layer, "ln2");
  const auto pre = layer_hook_name(layer, kResidPre), mid = layer_hook_name(layer, kResidMid);
  const int64_t before = 2 * layer;
  if (config.norm_placement == NormPlacement::kPost)
    return {{ln1, mid, before + 1}, {ln2, layer_hook_name(layer, kResidPost), before + 2}};
  if (config.residual == ResidualForm::kSequential)
    return {{ln1, pre, before}, {ln2, mid, before + 1}};
  return {{ln1, pre, before}, {ln2, pre, before}};
}

}  // namespace

std::string StreamNorm::normalized_point() const {
  return name + "." + std::string(kNormalized);
}

std::vector<StreamNorm> stream_norms(const TransformerImpl& model) {
  std::vector<StreamNorm> norms;
  for (int64_t layer = 0; layer < model.config().n_layers; ++layer) {
    const auto layer_norms = norms_of_layer(model.config(), layer);
    norms.insert(norms.end(), layer_norms.begin(), layer_norms.end());
  }
  const Block last{2 * model.config().n_layers};
  norms.push_back({"ln_final", model.hidden_state_hook_name(last), last.number});
  const auto& names = model.hooks().names();
  const auto missing = [&](const StreamNorm& norm) {
    return std::find(names.begin(), names.end(), norm.normalized_point()) == names.end();
  };
  norms.erase(std::remove_if(norms.begin(), norms.end(), missing), norms.end());
  return norms;
}

std::optional<StreamNorm> next_stream_norm(const TransformerImpl& model, Block block) {
  for (const auto& norm : stream_norms(model)) {
    if (norm.after_block >= block.number) return norm;
  }
  return std::nullopt;
}

}  // namespace spikesink::detail
