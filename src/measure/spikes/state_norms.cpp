#include "spikesink/measure/spikes/state_norms.h"

#include <torch/torch.h>

#include <cmath>

#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"

namespace spikesink {
namespace {

void add_norms(HiddenStateNorms& norms, const torch::Tensor& state, const torch::Tensor& is_spike) {
  const auto lengths =
      at::linalg_vector_norm(state, 2, {-1}, /*keepdim=*/false, torch::kDouble)  // [B, T]
          .to(torch::kCPU)
          .contiguous();
  const auto* length = lengths.data_ptr<double>();
  const auto* spike = is_spike.data_ptr<bool>();
  for (int64_t token = 0; token < lengths.numel(); ++token) {
    if (std::isfinite(length[token]))
      (spike[token] ? norms.spike : norms.ordinary).add(length[token]);
  }
}

}  // namespace

HookScope StateNorms::attach(Transformer& model, RunContext& context) {
  blocks_.clear();
  for (int64_t number = 1; number <= 2 * model->config().n_layers; ++number)
    blocks_.push_back({.block = Block{number}});
  HookScope scope;
  for (auto& norms : blocks_) {
    scope += model->hooks().add(model->hidden_state_hook_name(norms.block),
                                [this, &norms, &context](const torch::Tensor& state) {
                                  add_norms(norms, state, spike_positions_.mask(context.batch()));
                                });
  }
  return scope;
}

void StateNorms::merge(const StateNorms& other) {
  detail::expect_same("StateNorms", "blocks", other.blocks_.size(), blocks_.size());
  for (size_t index = 0; index < blocks_.size(); ++index) {
    blocks_[index].spike.merge(other.blocks_[index].spike);
    blocks_[index].ordinary.merge(other.blocks_[index].ordinary);
  }
}

template class Mergeable<StateNorms>;

}  // namespace spikesink
