#include "spikesink/measure/practice/kurtosis.h"

#include <limits>

#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"

namespace spikesink {

HookScope Kurtosis::attach(Transformer& model, RunContext&) {
  layers_.assign(model->config().n_layers, {});
  HookScope scope;
  for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
    scope += model->hooks().add(
        model->hidden_state_hook_name(Block::of(layer, BlockKind::kFeedForward)),
        [this, layer](const torch::Tensor& state) {
          auto& sums = layers_[layer];
          const auto x = state.to(torch::kDouble), square = x.square();
          sums.count += static_cast<double>(x.numel());
          const torch::Tensor powers[] = {x, square, square * x, square.square()};
          for (int index = 0; index < 4; ++index)
            sums.powers[index] += powers[index].sum().item<double>();
        });
  }
  return scope;
}

void Kurtosis::merge(const Kurtosis& other) {
  detail::expect_same("Kurtosis", "layers", other.layers_.size(), layers_.size());
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    layers_[layer].count += other.layers_[layer].count;
    for (int index = 0; index < 4; ++index)
      layers_[layer].powers[index] += other.layers_[layer].powers[index];
  }
}

std::vector<double> Kurtosis::result() const {
  std::vector<double> result;
  for (const auto& [count, powers] : layers_) {
    const double m = powers[0] / count, m2 = powers[1] / count, m3 = powers[2] / count,
                 m4 = powers[3] / count;
    const double variance = m2 - m * m;
    const double fourth = m4 - 4 * m * m3 + 6 * m * m * m2 - 3 * m * m * m * m;
    result.push_back(variance > 0 ? fourth / (variance * variance)
                                  : std::numeric_limits<double>::quiet_NaN());
  }
  return result;
}

template class Mergeable<Kurtosis>;

}  // namespace spikesink
