#include "spikesink/intervene/edit_heads.h"

#include "detail/fail.h"
#include "intervene/checks.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

constexpr const char* kEditHeads = "EditHeads";

// Returns a hook that edits these heads of z [B, T, H, d_head].
Hook edit_of(const std::vector<int64_t>& heads, const HeadEdit& edit, const torch::Tensor& source) {
  return [index = torch::tensor(heads, torch::kLong), edit, source](const torch::Tensor& z) {
    const auto here = index.to(z.device());
    if (const auto* scale = std::get_if<Scale>(&edit))
      return z.index_copy(2, here, z.index_select(2, here) * scale->factor);
    if (!source.sizes().equals(z.sizes())) {
      detail::fail_argument("[{}] the patch is of other sequences: got {}, expected {}", kEditHeads,
                            c10::str(source.sizes()), c10::str(z.sizes()));
    }
    return z.index_copy(2, here, source.to(z.options()).index_select(2, here));
  };
}

}  // namespace

HookScope EditHeads::attach(Transformer& model) const {
  HookScope scope;
  const auto heads = detail::heads_by_layer(kEditHeads, model->config(), heads_);
  const auto* patch = std::get_if<PatchFrom>(&edit_);
  for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
    if (heads[layer].empty()) continue;
    for (const int64_t head : heads[layer])
      scope += model->hooks().reserve_site(
          fmt::format("output of head {} in layer {}", head, layer), kEditHeads);
    const auto point = hook_names::layer_hook_name(layer, hook_names::kZ);
    const auto source = patch ? patch->cache[point] : torch::Tensor();
    scope += model->hooks().add(point, edit_of(heads[layer], edit_, source));
  }
  return scope;
}

}  // namespace spikesink
