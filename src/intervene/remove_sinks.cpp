#include "spikesink/intervene/remove_sinks.h"

#include <limits>

#include "detail/fail.h"
#include "intervene/checks.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

constexpr const char* kRemoveSinks = "RemoveSinks";

}  // namespace

RemoveSinks::RemoveSinks(SinkRemoval removal, SinkRemovalSites sites)
    : removal_(removal), sites_(std::move(sites)) {
  for (const int64_t key : sites_.keys) {
    if (key < 0)
      detail::fail_argument("[{}] key: got {}, expected a position from 0", kRemoveSinks, key);
  }
  const auto* cap = std::get_if<CapSink>(&removal_);
  if (cap && !(cap->max_share >= 0 && cap->max_share < 1))
    detail::fail_argument("[{}] cap: got {}, expected a share from 0 to below 1", kRemoveSinks,
                          cap->max_share);
  if (cap && sites_.keys.size() != 1)
    detail::fail_argument("[{}] cap: got {} keys, expected one", kRemoveSinks, sites_.keys.size());
  const auto* added = std::get_if<AddSinkLogit>(&removal_);
  if (added && !std::isfinite(added->logit))
    detail::fail_argument("[{}] logit: got {}, expected a finite number", kRemoveSinks,
                          added->logit);
}

HookScope RemoveSinks::attach(Transformer& model) const {
  HookScope scope;
  const auto heads = detail::heads_by_layer(kRemoveSinks, model->config(), sites_.heads);
  for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
    if (heads[layer].empty()) continue;
    for (const int64_t head : heads[layer])
      scope += model->hooks().reserve_site(fmt::format("sinks of head {} in layer {}", head, layer),
                                           kRemoveSinks);
    scope += std::holds_alternative<AddSinkLogit>(removal_) ? add_logit(model, layer, heads[layer])
                                                            : limit(model, layer, heads[layer]);
  }
  return scope;
}

HookScope RemoveSinks::limit(Transformer& model, int64_t layer,
                             const std::vector<int64_t>& heads) const {
  const auto* cap = std::get_if<CapSink>(&removal_);
  auto scope =
      model->hooks().reserve_site(fmt::format("limit on sinks in layer {}", layer), kRemoveSinks);
  auto max_share = torch::ones({model->config().n_heads}, torch::kDouble);
  max_share.index_fill_(0, torch::tensor(heads, torch::kLong), cap ? cap->max_share : 0.0);
  const auto attention = model->layers[layer]->attn.ptr();
  attention->attention_cap = {.keys = sites_.keys,
                              .max_share = max_share.to(model->options().device()),
                              .renormalize = !std::holds_alternative<DropSinkValue>(removal_)};
  scope += HookScope([attention] { attention->attention_cap = {}; });
  return scope;
}

HookScope RemoveSinks::add_logit(Transformer& model, int64_t layer,
                                 const std::vector<int64_t>& heads) const {
  auto logits = torch::full({model->config().n_heads, 1}, -std::numeric_limits<double>::infinity(),
                            torch::kDouble);
  logits.index_fill_(0, torch::tensor(heads, torch::kLong), std::get<AddSinkLogit>(removal_).logit);
  return model->hooks().add(
      hook_names::layer_hook_name(layer, hook_names::kLse),
      [logits = logits.to(model->options().device())](const torch::Tensor& lse) {
        return at::logaddexp(lse, logits.to(lse.scalar_type()));
      });
}

}  // namespace spikesink
