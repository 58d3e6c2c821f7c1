#include "measure/sinks/watch_scores.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink::detail {

using namespace hook_names;

HookScope watch_scores(Transformer& model, std::function<void(const LayerScores&)> seen) {
  auto now = std::make_shared<LayerScores>();
  const auto call = std::make_shared<const decltype(seen)>(std::move(seen));
  HookScope scope;
  for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
    scope += model->hooks().add(layer_hook_name(layer, kRotQ),
                                [now](const torch::Tensor& q) { now->q = q; });
    scope += model->hooks().add(layer_hook_name(layer, kRotK),
                                [now](const torch::Tensor& k) { now->k = k; });
    scope += model->hooks().add(
        layer_hook_name(layer, kLse), [now, call, layer, &model](const torch::Tensor& lse) {
          const PassContext positions{
              .alibi = alibi_bias(model->config(), now->q.size(1), model->options())};
          now->layer = layer;
          now->lse = lse;
          now->rule = model->layers[layer]->attn->attention_params(positions);
          (*call)(*now);
          *now = {};
        });
  }
  return scope;
}

}  // namespace spikesink::detail
