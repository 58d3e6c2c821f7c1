#include "spikesink/intervene/edit_channels.h"

#include <numeric>

#include "detail/fail.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

void check_range(const char* what, const std::vector<int64_t>& numbers, int64_t count) {
  for (const int64_t number : numbers) {
    if (number < 0 || number >= count) {
      detail::fail_argument("[EditChannels] {}: got {}, expected 0 to {}", what, number, count - 1);
    }
  }
}

torch::Tensor edited(const torch::Tensor& values, const ChannelEdit& edit) {
  if (const auto* clamp = std::get_if<Clamp>(&edit))
    return values.clamp(-clamp->limit, clamp->limit);
  return at::full_like(values, std::get<SetTo>(edit).value);
}

}  // namespace

HookScope EditChannels::attach(Transformer& model) const {
  const auto& config = model->config();
  check_range("channel", channels_, config.d_model);
  std::vector<int64_t> layers(config.n_layers);
  std::iota(layers.begin(), layers.end(), 0);
  if (layers_) layers = *layers_;
  check_range("layer", layers, config.n_layers);
  const auto index = torch::tensor(channels_, torch::kLong).to(model->options().device());
  const Hook hook = [index, edit = edit_](const torch::Tensor& stream) {
    return stream.index_copy(-1, index, edited(stream.index_select(-1, index), edit));
  };
  HookScope scope;
  for (const int64_t layer : layers)
    scope += model->hooks().add(hook_names::in_block(layer, hook_names::kResidPost), hook);
  return scope;
}

}  // namespace spikesink
