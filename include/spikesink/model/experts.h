#pragma once

#include <vector>

#include "spikesink/model/feed_forward.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A mixture of experts. Each token is processed by the experts with the highest router
/// probability, weighted by that probability, and by the shared expert if the model has one. Hooks:
/// `hook_in`, `hook_expert_weights` [B, T, experts_per_token] and `hook_expert_indices` [B, T,
/// experts_per_token] int64, highest probability first. The hook points of one expert,
/// `experts.E.hook_...`, see only the tokens routed to it, [tokens, d_mlp]; `tokens` can be 0.
class ExpertsImpl : public torch::nn::Module {
 public:
  ExpertsImpl(const ModelConfig& config, HookRegistry& hooks, const std::string& name);

  /// x [B, T, d_model] -> [B, T, d_model].
  torch::Tensor forward(const torch::Tensor& input);

  Linear router{nullptr};
  std::vector<FeedForward> experts;
  FeedForward shared{nullptr};         // null without a shared expert
  Linear shared_expert_gate{nullptr};  // computes the logit of the shared expert's weight

 private:
  int64_t experts_per_token_;
  bool renormalized_;
  HookPoint hook_in_, hook_weights_, hook_indices_;
};
TORCH_MODULE(Experts);

}  // namespace spikesink
