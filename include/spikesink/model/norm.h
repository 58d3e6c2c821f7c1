#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <string>

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/model_config.h"

namespace spikesink {

/// RMSNorm or LayerNorm over the last dimension, or the identity, which has no hook points. Roots
/// and quotients are reckoned in float32 or better. Hooks: `hook_scale` (what is divided by) and
/// `hook_normalized` (the quotient, before the learned scale and bias; in float32 or better where
/// the scale is applied before rounding).
class NormImpl : public torch::nn::Module {
 public:
  /// `parameters` is the shape of scale and bias, usually the size of the last dimension.
  NormImpl(const NormConfig& config, torch::IntArrayRef parameters, HookRegistry& hooks,
           const std::string& name);
  torch::Tensor forward(const torch::Tensor& x) const;
  const NormConfig& config() const { return config_; }
  /// What normalised values are multiplied with, in this dtype; undefined without a learned scale.
  torch::Tensor scale(torch::Dtype dtype) const;

  torch::Tensor weight;  // as `parameters`, or undefined
  torch::Tensor bias;    // as `parameters`, or undefined

 private:
  torch::Tensor scaled(const torch::Tensor& normalized) const;

  NormConfig config_;
  HookPoint hook_scale_;
  HookPoint hook_normalized_;
};
TORCH_MODULE(Norm);

}  // namespace spikesink
