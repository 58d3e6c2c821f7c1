#pragma once

#include <vector>

#include "spikesink/model/feed_forward.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A mixture of experts. Each token is processed by the experts with the highest scores, each with
/// a weight, and by the shared expert if the model has one. Hooks: `hook_in`, `hook_expert_weights`
/// [B, T, experts_per_token] and `hook_expert_indices` [B, T, experts_per_token] int64, in the
/// order of the choice, the best first. The hook points of one expert, `experts.E.hook_...`, see
/// only the tokens routed to it, [tokens, d_mlp]; `tokens` can be 0.
class ExpertsImpl : public torch::nn::Module {
 public:
  ExpertsImpl(const ModelConfig& config, HookRegistry& hooks, const std::string& name);

  /// x [B, T, d_model] -> [B, T, d_model].
  torch::Tensor forward(const torch::Tensor& input);

  Linear router{nullptr};
  std::vector<FeedForward> experts;
  FeedForward shared{nullptr};         // null without a shared expert
  Linear shared_expert_gate{nullptr};  // computes the logit of the shared expert's weight, or null
  torch::Tensor choice_bias;  // [experts], added to the scores for the choice; or undefined

 private:
  /// The weights and the indices of each token's experts, [B, T, experts_per_token].
  struct Choice {
    torch::Tensor weights, indices;
  };
  Choice choose(const torch::Tensor& logits) const;
  Choice choose_by_mixer(const torch::Tensor& logits) const;
  torch::Tensor best_indices(const torch::Tensor& scores) const;
  torch::Tensor outside_best_groups(const torch::Tensor& scores) const;

  ExpertsConfig config_;
  HookPoint hook_in_, hook_weights_, hook_indices_;
};
TORCH_MODULE(Experts);

}  // namespace spikesink
