#include "measure/sinks/watch_scores.h"

#include <algorithm>

#include "spikesink/hooks/hook_names.h"

namespace spikesink::detail {

using namespace hook_names;

void add_layer(std::vector<int64_t>& layers_run, int64_t layer) {
  const auto place = std::ranges::lower_bound(layers_run, layer);
  if (place == layers_run.end() || *place != layer) layers_run.insert(place, layer);
}

HookScope watch_scores(Transformer& model, std::function<void(const LayerScores&)> callback) {
  auto scores = std::make_shared<LayerScores>();
  const auto call = std::make_shared<const decltype(callback)>(std::move(callback));
  HookScope scope;
  const auto layers = model->config().attention_layers();
  for (const int64_t layer : layers) {
    const bool is_first = layer == layers.front(), is_last = layer == layers.back();
    scope += model->hooks().add(layer_hook_name(layer, kRotQ),
                                [scores](const torch::Tensor& q) { scores->q = q; });
    scope += model->hooks().add(layer_hook_name(layer, kRotK),
                                [scores](const torch::Tensor& k) { scores->k = k; });
    scope += model->hooks().add(
        layer_hook_name(layer, kLse),
        [scores, call, layer, is_first, is_last, &model](const torch::Tensor& lse) {
          const PassContext positions{
              .alibi = alibi_bias(model->config(), scores->q.size(1), model->options())};
          scores->layer = layer;
          scores->is_first = is_first;
          scores->is_last = is_last;
          scores->lse = lse;
          scores->rule = model->layers[layer]->attn->attention_params(positions);
          (*call)(*scores);
          *scores = {};
        });
  }
  return scope;
}

}  // namespace spikesink::detail
