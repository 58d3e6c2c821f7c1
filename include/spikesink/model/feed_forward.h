#pragma once

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/linear.h"
#include "spikesink/model/model_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Applies the activation function to each element. Throws std::invalid_argument for kXielu, whose
/// parameters are those of a feed-forward.
torch::Tensor activate(const ActivationConfig& activation, const torch::Tensor& x);

/// The parameters of xIELU (arXiv 2411.13010), each [1]. With softplus(p) = log(1 + e^p):
///   x > 0:  softplus(alpha_p) x^2 + beta x
///   else:   (beta + softplus(alpha_n)) (e^min(x, eps) - 1 - x) + beta x
struct Xielu {
  torch::Tensor alpha_p, alpha_n, beta, eps;

  /// Applies the function to each element.
  torch::Tensor operator()(const torch::Tensor& x) const;
};

/// Gated feed-forward: down( activation(gate x) * (up x) ) (arXiv 2603.05498, eq. 12). Without a
/// gate: down( activation(up x) ), without `hook_pre_linear` and `hook_act`.
class FeedForwardImpl : public torch::nn::Module {
 public:
  /// Names its hook points `name`.hook_...
  FeedForwardImpl(const ModelConfig& config, int64_t d_mlp, HookRegistry& hooks,
                  const std::string& name);

  /// x [..., d_model] -> [..., d_model].
  torch::Tensor forward(const torch::Tensor& input);

  Linear gate{nullptr};  // null without a gate
  Linear up{nullptr}, down{nullptr};
  Xielu xielu;  // undefined tensors with another activation

 private:
  torch::Tensor activated(const torch::Tensor& x) const;
  torch::Tensor gated(const torch::Tensor& x);

  ActivationConfig activation_;
  double clamp_, up_offset_;
  HookPoint hook_in_, hook_pre_, hook_pre_linear_, hook_act_, hook_post_;
};
TORCH_MODULE(FeedForward);

}  // namespace spikesink
