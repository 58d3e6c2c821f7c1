#include "spikesink/model/feed_forward.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

torch::Tensor activate(const ModelConfig& config, const torch::Tensor& x) {
  switch (config.activation) {
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kGelu:
      return at::gelu(x, "none");
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kQuickGelu:
      return x * at::sigmoid(config.sigmoid_slope * x);
    case Activation::kRelu:
      break;
  }
  return at::relu(x);
}

FeedForwardImpl::FeedForwardImpl(const ModelConfig& config, int64_t d_mlp, HookRegistry& hooks,
                                 const std::string& name)
    : config_(config) {
  const auto point = [&](std::string_view what) {
    return hooks.make(name + "." + std::string(what));
  };
  hook_pre_ = point(kMlpPre);
  if (config.gated) {
    gate = register_module("gate", Linear(config.d_model, d_mlp, config.mlp_bias));
    hook_pre_linear_ = point(kMlpPreLinear);
    hook_act_ = point(kMlpAct);
  }
  hook_post_ = point(kMlpPost);
  up = register_module("up", Linear(config.d_model, d_mlp, config.mlp_bias));
  down = register_module("down", Linear(d_mlp, config.d_model, config.mlp_bias));
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& x) {
  if (gate) return down(hook_post_(gated(x)));
  return down(hook_post_(activate(config_, hook_pre_(up(x)))));
}

torch::Tensor FeedForwardImpl::gated(const torch::Tensor& x) {
  auto pre = hook_pre_(gate(x));          // [..., d_mlp]
  auto linear = hook_pre_linear_(up(x));  // [..., d_mlp]
  if (const double most = config_.mlp_clamp; most > 0) {
    pre = pre.clamp_max(most);
    linear = linear.clamp(-most, most);
  }
  if (config_.up_offset != 0) linear = linear + config_.up_offset;
  return hook_act_(activate(config_, pre)) * linear;
}

}  // namespace spikesink
