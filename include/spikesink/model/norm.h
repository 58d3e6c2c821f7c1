#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <string>

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/model_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A norm over the last dimension, or the identity, which has no hook points. Square roots and
/// quotients are computed in float32 or float64. Hooks: `hook_scale` is the divisor (1 / alpha for
/// kDynamicTanh and kFixedDivisor). `hook_normalized` is the quotient (for kDynamicTanh its tanh),
/// before the learned scale and bias. With `scale_in_float32` it is float32 or float64.
class NormImpl : public torch::nn::Module {
 public:
  /// `parameters` is the shape of the learned scale and bias, usually [size of the last dimension].
  NormImpl(const NormConfig& config, torch::IntArrayRef parameters, HookRegistry& hooks,
           const std::string& name);
  torch::Tensor forward(const torch::Tensor& x) const;
  const NormConfig& config() const { return config_; }
  /// Returns a norm of another kind that keeps this norm's hook points and their hooks.
  std::shared_ptr<NormImpl> make_replacement(const NormConfig& config, torch::Tensor new_weight,
                                             torch::Tensor new_bias, torch::Tensor new_alpha) const;
  /// Returns the learned scale in this dtype, with one added for `scale_plus_one`; undefined if the
  /// norm has no learned scale.
  torch::Tensor scale(torch::Dtype dtype) const;

  torch::Tensor weight;  // the scale, of shape `parameters`, or undefined
  torch::Tensor bias;    // of shape `parameters`, or undefined
  torch::Tensor alpha;   // [1], for kDynamicTanh and kFixedDivisor, else undefined

 private:
  torch::Tensor divisor(const torch::Tensor& centred, torch::Dtype wide) const;
  torch::Tensor apply_scale_and_bias(const torch::Tensor& normalized) const;

  NormConfig config_;
  HookPoint hook_scale_;
  HookPoint hook_normalized_;
};
TORCH_MODULE(Norm);

}  // namespace spikesink
