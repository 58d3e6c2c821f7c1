#pragma once

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/linear.h"
#include "spikesink/model/model_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Applies the activation function to each element.
torch::Tensor activate(const ActivationConfig& activation, const torch::Tensor& x);

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

 private:
  torch::Tensor gated(const torch::Tensor& x);

  ActivationConfig activation_;
  double clamp_, up_offset_;
  HookPoint hook_in_, hook_pre_, hook_pre_linear_, hook_act_, hook_post_;
};
TORCH_MODULE(FeedForward);

}  // namespace spikesink
