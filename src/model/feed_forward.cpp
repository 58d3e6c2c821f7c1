#include "spikesink/model/feed_forward.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

torch::Tensor activate(Activation activation, const torch::Tensor& x) {
  switch (activation) {
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kGelu:
      return at::gelu(x, "none");
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kRelu:
      break;
  }
  return at::relu(x);
}

}  // namespace

using namespace hook_names;

FeedForwardImpl::FeedForwardImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer)
    : activation_(config.activation),
      hook_pre_(hooks.make(in_block(layer, kMlpPre))),
      hook_pre_linear_(hooks.make(in_block(layer, kMlpPreLinear))),
      hook_act_(hooks.make(in_block(layer, kMlpAct))),
      hook_post_(hooks.make(in_block(layer, kMlpPost))) {
  gate = register_module("gate", Linear(config.d_model, config.d_mlp, config.mlp_bias));
  up = register_module("up", Linear(config.d_model, config.d_mlp, config.mlp_bias));
  down = register_module("down", Linear(config.d_mlp, config.d_model, config.mlp_bias));
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& x) {
  const auto gated = hook_pre_(gate(x));                        // [B, T, d_mlp]
  const auto linear = hook_pre_linear_(up(x));                  // [B, T, d_mlp]
  const auto active = hook_act_(activate(activation_, gated));  // [B, T, d_mlp]
  return down(hook_post_(active * linear));
}

}  // namespace spikesink
