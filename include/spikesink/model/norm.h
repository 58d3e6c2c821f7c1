#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <string>

#include "spikesink/hooks/hook_registry.h"

namespace spikesink {

/// RMSNorm: x / sqrt(mean(x^2) + epsilon) * weight, over the last dimension. The root is taken in
/// float32 or better and the quotient rounded to the dtype of x before the learned scale, as
/// transformers' Llama does. Hooks: `hook_scale` (the root) and `hook_normalized` (the quotient,
/// before `weight`).
class RmsNormImpl : public torch::nn::Module {
 public:
  RmsNormImpl(int64_t size, double epsilon, HookRegistry& hooks, const std::string& name);
  torch::Tensor forward(const torch::Tensor& x) const;

  torch::Tensor weight;  // [size]

 private:
  double epsilon_;
  HookPoint hook_scale_;
  HookPoint hook_normalized_;
};
TORCH_MODULE(RmsNorm);

}  // namespace spikesink
