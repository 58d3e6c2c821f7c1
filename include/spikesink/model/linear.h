#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace [[gnu::visibility("default")]] spikesink {

/// Computes y = x W^T + b. Unlike in torch::nn::Linear, the weights are left uninitialised, because
/// they are loaded afterwards.
class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(int64_t in, int64_t out, bool has_bias);
  torch::Tensor forward(const torch::Tensor& x) const;

  torch::Tensor weight;  // [out, in]
  torch::Tensor bias;    // [out], or undefined
};
TORCH_MODULE(Linear);

}  // namespace spikesink
