#include "spikesink/model/experts.h"

#include <torch/nn/modules/container/modulelist.h>

#include "detail/dtype.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

ExpertsImpl::ExpertsImpl(const ModelConfig& config, HookRegistry& hooks, const std::string& name)
    : experts_per_token_(config.experts.experts_per_token),
      renormalized_(config.experts.renormalized),
      hook_in_(hooks.add_point(name + "." + std::string(kMlpIn))),
      hook_weights_(hooks.add_point(name + "." + std::string(kExpertWeights))),
      hook_indices_(hooks.add_point(name + "." + std::string(kExpertIndices))) {
  const auto& sizes = config.experts;
  router = register_module("router", Linear(config.d_model, sizes.count, sizes.router_bias));
  auto list = register_module("experts", torch::nn::ModuleList());
  for (int64_t number = 0; number < sizes.count; ++number) {
    experts.emplace_back(config, sizes.d_mlp, hooks, name + ".experts." + std::to_string(number));
    list->push_back(experts.back());
  }
  if (sizes.d_shared > 0) {
    shared =
        register_module("shared", FeedForward(config, sizes.d_shared, hooks, name + ".shared"));
    shared_expert_gate = register_module("shared_expert_gate", Linear(config.d_model, 1, false));
  }
}

torch::Tensor ExpertsImpl::forward(const torch::Tensor& input) {
  const auto x = hook_in_(input);
  const auto dtype = detail::at_least_float(x.scalar_type());
  auto [probabilities, chosen] = at::topk(at::softmax(router(x), -1, dtype), experts_per_token_);
  if (renormalized_) probabilities = probabilities / probabilities.sum(-1, /*keepdim=*/true);
  const auto weights = hook_weights_(probabilities.to(x.scalar_type())).flatten(0, 1);
  const auto indices = hook_indices_(chosen).flatten(0, 1);  // [tokens, chosen]
  const auto tokens = x.flatten(0, 1);                       // [tokens, d_model]
  auto out = at::zeros_like(tokens);
  for (size_t number = 0; number < experts.size(); ++number) {
    const auto uses = (indices == static_cast<int64_t>(number)).nonzero();  // [n, 2]: token, slot
    const auto token = uses.select(1, 0), slot = uses.select(1, 1);
    const auto weight = weights.index({token, slot}).unsqueeze(1);
    out.index_add_(0, token, experts[number](tokens.index({token})) * weight);
  }
  if (shared) out = out + shared(tokens) * at::sigmoid(shared_expert_gate(tokens));
  return out.view_as(x);
}

}  // namespace spikesink
