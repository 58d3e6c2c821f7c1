#pragma once

#include <vector>

#include "spikesink/model/feed_forward.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A mixture of experts: each token passes the few whose router probability is highest, weighted by
/// it, and the shared expert, where there is one. Hooks: `hook_in`, `hook_expert_weights` [B, T,
/// chosen] and `hook_expert_indices` [B, T, chosen] int64, the highest first; those of the experts'
/// own feed-forwards, `experts.E.hook_...`, see only their tokens, [tokens, d_mlp], maybe none.
class ExpertsImpl : public torch::nn::Module {
 public:
  ExpertsImpl(const ModelConfig& config, HookRegistry& hooks, const std::string& name);

  /// x [B, T, d_model] -> [B, T, d_model].
  torch::Tensor forward(const torch::Tensor& input);

  Linear router{nullptr};
  std::vector<FeedForward> experts;
  FeedForward shared{nullptr};  // null without a shared expert
  Linear shared_gate{nullptr};  // its weight's logit, from the token

 private:
  int64_t chosen_;
  bool renormalized_;
  HookPoint hook_in_, hook_weights_, hook_indices_;
};
TORCH_MODULE(Experts);

}  // namespace spikesink
