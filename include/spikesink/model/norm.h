#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <string>

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/model_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A norm over the last dimension, or the identity, which has no hook points. Roots and quotients
/// are reckoned in float32 or better. Hooks: `hook_scale` (what is divided by; where an alpha
/// multiplies, 1 / alpha) and `hook_normalized` (the quotient, or its tanh, before the learned
/// scale and bias; in float32 or better where the scale is applied before rounding).
class NormImpl : public torch::nn::Module {
 public:
  /// `parameters` is the shape of scale and bias, usually the size of the last dimension.
  NormImpl(const NormConfig& config, torch::IntArrayRef parameters, HookRegistry& hooks,
           const std::string& name);
  torch::Tensor forward(const torch::Tensor& x) const;
  const NormConfig& config() const { return config_; }
  /// A norm of another kind in the place of this one: the hook points, and what is hooked to them,
  /// are the same.
  std::shared_ptr<NormImpl> replaced(const NormConfig& config, torch::Tensor new_weight,
                                     torch::Tensor new_bias, torch::Tensor new_alpha) const;
  /// What normalised values are multiplied with, in this dtype; undefined without a learned scale.
  torch::Tensor scale(torch::Dtype dtype) const;

  torch::Tensor weight;  // as `parameters`, or undefined
  torch::Tensor bias;    // as `parameters`, or undefined
  torch::Tensor alpha;   // [1], of kDynamicTanh and kFixedDivisor, or undefined

 private:
  torch::Tensor divisor(const torch::Tensor& centred, torch::Dtype wide) const;
  torch::Tensor scaled(const torch::Tensor& normalized) const;

  NormConfig config_;
  HookPoint hook_scale_;
  HookPoint hook_normalized_;
};
TORCH_MODULE(Norm);

}  // namespace spikesink
