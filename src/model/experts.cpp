#include "spikesink/model/experts.h"

#include <torch/nn/modules/container/modulelist.h>

#include <limits>

#include "detail/dtype.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

torch::Tensor router_scores(const torch::Tensor& logits, RouterScore kind) {
  if (kind == RouterScore::kSigmoid) return at::sigmoid(logits);
  return kind == RouterScore::kSoftmax ? at::softmax(logits, -1) : logits;
}

}  // namespace

ExpertsImpl::ExpertsImpl(const ModelConfig& config, HookRegistry& hooks, const std::string& name)
    : config_(config.experts),
      hook_in_(hooks.add_point(name + "." + std::string(kMlpIn))),
      hook_weights_(hooks.add_point(name + "." + std::string(kExpertWeights))),
      hook_indices_(hooks.add_point(name + "." + std::string(kExpertIndices))) {
  const auto& sizes = config.experts;
  router = register_module("router", Linear(config.d_model, sizes.count, sizes.router_bias));
  if (sizes.choice_bias)
    choice_bias = register_parameter("choice_bias", torch::empty({sizes.count}));
  auto list = register_module("experts", torch::nn::ModuleList());
  for (int64_t number = 0; number < sizes.count; ++number) {
    experts.emplace_back(config, sizes.d_mlp, hooks, name + ".experts." + std::to_string(number));
    list->push_back(experts.back());
  }
  if (sizes.d_shared > 0) {
    shared =
        register_module("shared", FeedForward(config, sizes.d_shared, hooks, name + ".shared"));
    if (sizes.shared_gate)
      shared_expert_gate = register_module("shared_expert_gate", Linear(config.d_model, 1, false));
  }
}

torch::Tensor ExpertsImpl::forward(const torch::Tensor& input) {
  const auto x = hook_in_(input);
  const auto dtype = detail::at_least_float(x.scalar_type());
  const auto choice = choose(router(x).to(dtype));
  const auto weights = hook_weights_(choice.weights.to(x.scalar_type())).flatten(0, 1);
  const auto indices = hook_indices_(choice.indices).flatten(0, 1);  // [tokens, chosen]
  const auto tokens = x.flatten(0, 1);                               // [tokens, d_model]
  auto out = at::zeros_like(tokens);
  for (size_t number = 0; number < experts.size(); ++number) {
    const auto uses = (indices == static_cast<int64_t>(number)).nonzero();  // [n, 2]: token, slot
    const auto token = uses.select(1, 0), slot = uses.select(1, 1);
    const auto weight = weights.index({token, slot}).unsqueeze(1);
    out.index_add_(0, token, experts[number](tokens.index({token})) * weight);
  }
  if (shared) {
    const auto added = shared(tokens);
    out = out + (shared_expert_gate ? added * at::sigmoid(shared_expert_gate(tokens)) : added);
  }
  return out.view_as(x);
}

ExpertsImpl::Choice ExpertsImpl::choose(const torch::Tensor& logits) const {
  if (config_.score == RouterScore::kSparseMixer) return choose_by_mixer(logits);
  const auto scores = router_scores(logits, config_.score);
  const auto indices = best_indices(scores);
  auto weights = scores.gather(-1, indices);
  if (config_.score == RouterScore::kChosenSoftmax) weights = at::softmax(weights, -1);
  if (config_.renormalized)
    weights = weights / weights.sum(-1, /*keepdim=*/true).clamp_min(config_.least_sum);
  return {config_.weight_scale == 1 ? weights : weights * config_.weight_scale, indices};
}

ExpertsImpl::Choice ExpertsImpl::choose_by_mixer(const torch::Tensor& logits) const {
  std::vector<torch::Tensor> weights, indices;
  auto remaining = logits;
  for (int64_t slot = 0; slot < config_.experts_per_token; ++slot) {
    const auto [largest, index] = remaining.max(-1, /*keepdim=*/true);
    const auto distance = (largest - logits) / at::maximum(logits.abs(), largest);
    const auto candidates = remaining.masked_fill(distance > config_.mixer_range, kNever);
    weights.push_back(at::softmax(candidates, -1).gather(-1, index));
    indices.push_back(index);
    remaining = remaining.scatter(-1, index, kNever);
  }
  return {at::cat(weights, -1), at::cat(indices, -1)};
}

torch::Tensor ExpertsImpl::best_indices(const torch::Tensor& scores) const {
  auto ranked = choice_bias.defined() ? scores + choice_bias.to(scores.scalar_type()) : scores;
  if (config_.groups_per_token < config_.groups)
    ranked = ranked.masked_fill(outside_best_groups(ranked), kNever);
  return std::get<1>(at::topk(ranked, config_.experts_per_token));
}

// Returns a mask, [B, T, experts].
torch::Tensor ExpertsImpl::outside_best_groups(const torch::Tensor& scores) const {
  const auto grouped = scores.unflatten(-1, {config_.groups, -1});
  const auto group_scores = config_.group_score == GroupScore::kBest
                                ? grouped.amax(-1)
                                : std::get<0>(grouped.topk(2, -1)).sum(-1);
  const auto best = std::get<1>(group_scores.topk(config_.groups_per_token, -1));
  const auto outside =
      at::ones(group_scores.sizes(), scores.options().dtype(torch::kBool)).scatter(-1, best, false);
  return outside.unsqueeze(-1).expand_as(grouped).flatten(-2);
}

}  // namespace spikesink
