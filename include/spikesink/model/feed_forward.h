#pragma once

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/linear.h"
#include "spikesink/model/model_config.h"

namespace spikesink {

/// Gated feed-forward: down( activation(gate x) * (up x) ), the paper's eq. 12.
class FeedForwardImpl : public torch::nn::Module {
 public:
  FeedForwardImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// x [B, T, d_model] -> [B, T, d_model].
  torch::Tensor forward(const torch::Tensor& x);

  Linear gate{nullptr}, up{nullptr}, down{nullptr};

 private:
  Activation activation_;
  HookPoint hook_pre_, hook_pre_linear_, hook_act_, hook_post_;
};
TORCH_MODULE(FeedForward);

}  // namespace spikesink
