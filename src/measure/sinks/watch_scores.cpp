#include "measure/sinks/watch_scores.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink::detail {

using namespace hook_names;

HookScope watch_scores(Transformer& model, std::function<void(const LayerScores&)> callback) {
  auto scores = std::make_shared<LayerScores>();
  const auto call = std::make_shared<const decltype(callback)>(std::move(callback));
  HookScope scope;
  for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
    scope += model->hooks().add(layer_hook_name(layer, kRotQ),
                                [scores](const torch::Tensor& q) { scores->q = q; });
    scope += model->hooks().add(layer_hook_name(layer, kRotK),
                                [scores](const torch::Tensor& k) { scores->k = k; });
    scope += model->hooks().add(
        layer_hook_name(layer, kLse), [scores, call, layer, &model](const torch::Tensor& lse) {
          const PassContext positions{
              .alibi = alibi_bias(model->config(), scores->q.size(1), model->options())};
          scores->layer = layer;
          scores->lse = lse;
          scores->rule = model->layers[layer]->attn->attention_params(positions);
          (*call)(*scores);
          *scores = {};
        });
  }
  return scope;
}

}  // namespace spikesink::detail
