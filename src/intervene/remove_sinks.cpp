#include "spikesink/intervene/remove_sinks.h"

#include <limits>

#include "detail/fail.h"
#include "intervene/places.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

constexpr const char* kRemoveSinks = "RemoveSinks";

}  // namespace

RemoveSinks::RemoveSinks(SinkRemoval how, SinkRemovalPlaces where)
    : how_(how), where_(std::move(where)) {
  for (const int64_t key : where_.keys) {
    if (key < 0)
      detail::fail_argument("[{}] key: got {}, expected a position from 0", kRemoveSinks, key);
  }
  const auto* cap = std::get_if<CapSink>(&how_);
  if (cap && !(cap->most >= 0 && cap->most < 1))
    detail::fail_argument("[{}] cap: got {}, expected a share from 0 to below 1", kRemoveSinks,
                          cap->most);
  if (cap && where_.keys.size() != 1)
    detail::fail_argument("[{}] cap: got {} keys, expected one", kRemoveSinks, where_.keys.size());
  const auto* added = std::get_if<AddSinkLogit>(&how_);
  if (added && !std::isfinite(added->logit))
    detail::fail_argument("[{}] logit: got {}, expected a finite number", kRemoveSinks,
                          added->logit);
}

HookScope RemoveSinks::attach(Transformer& model) const {
  HookScope scope;
  const auto heads = detail::heads_by_layer(kRemoveSinks, model->config(), where_.heads);
  for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
    if (heads[layer].empty()) continue;
    for (const int64_t head : heads[layer])
      scope += model->hooks().claim(fmt::format("sinks of head {} in layer {}", head, layer),
                                    kRemoveSinks);
    scope += std::holds_alternative<AddSinkLogit>(how_) ? add_logit(model, layer, heads[layer])
                                                        : limit(model, layer, heads[layer]);
  }
  return scope;
}

HookScope RemoveSinks::limit(Transformer& model, int64_t layer,
                             const std::vector<int64_t>& heads) const {
  const auto* cap = std::get_if<CapSink>(&how_);
  auto scope = model->hooks().claim(fmt::format("limit on sinks in layer {}", layer), kRemoveSinks);
  auto most = torch::ones({model->config().n_heads}, torch::kDouble);
  most.index_fill_(0, torch::tensor(heads, torch::kLong), cap ? cap->most : 0.0);
  const auto attention = model->layers[layer]->attn.ptr();
  attention->limit = {.keys = where_.keys,
                      .most = most.to(model->options().device()),
                      .renormalize = !std::holds_alternative<DropSinkValue>(how_)};
  scope += HookScope([attention] { attention->limit = {}; });
  return scope;
}

HookScope RemoveSinks::add_logit(Transformer& model, int64_t layer,
                                 const std::vector<int64_t>& heads) const {
  auto logits = torch::full({model->config().n_heads, 1}, -std::numeric_limits<double>::infinity(),
                            torch::kDouble);
  logits.index_fill_(0, torch::tensor(heads, torch::kLong), std::get<AddSinkLogit>(how_).logit);
  return model->hooks().add(
      hook_names::in_block(layer, hook_names::kLse),
      [logits = logits.to(model->options().device())](const torch::Tensor& lse) {
        return at::logaddexp(lse, logits.to(lse.scalar_type()));
      });
}

}  // namespace spikesink
