#include "spikesink/model/feed_forward.h"

#include "detail/fail.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

torch::Tensor activate(const ActivationConfig& activation, const torch::Tensor& x) {
  switch (activation.kind) {
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kGelu:
      return at::gelu(x, "none");
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kQuickGelu:
      return x * at::sigmoid(activation.sigmoid_slope * x);
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kReluSquared:
      return at::relu(x).square();
    case Activation::kXielu:
      break;
  }
  detail::fail_argument("[activate] activation: got xielu, expected one without parameters");
}

torch::Tensor Xielu::operator()(const torch::Tensor& x) const {
  const auto positive = at::softplus(alpha_p) * x.square();
  const auto negative = (beta + at::softplus(alpha_n)) * (at::minimum(x, eps).expm1() - x);
  return at::where(x > 0, positive, negative) + beta * x;
}

FeedForwardImpl::FeedForwardImpl(const ModelConfig& config, int64_t d_mlp, HookRegistry& hooks,
                                 const std::string& name)
    : activation_(config.activation), clamp_(config.mlp_clamp), up_offset_(config.up_offset) {
  const auto point = [&](std::string_view what) {
    return hooks.add_point(name + "." + std::string(what));
  };
  hook_in_ = point(kMlpIn);
  hook_pre_ = point(kMlpPre);
  if (config.gated) {
    gate = register_module("gate", Linear(config.d_model, d_mlp, config.mlp_bias));
    hook_pre_linear_ = point(kMlpPreLinear);
    hook_act_ = point(kMlpAct);
  }
  hook_post_ = point(kMlpPost);
  up = register_module("up", Linear(config.d_model, d_mlp, config.mlp_bias));
  down = register_module("down", Linear(d_mlp, config.d_model, config.mlp_bias));
  if (activation_.kind != Activation::kXielu) return;
  const auto scalar = [&](const char* parameter) {
    return register_parameter(parameter, torch::empty({1}));
  };
  xielu = {scalar("alpha_p"), scalar("alpha_n"), scalar("beta"), scalar("eps")};
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& input) {
  const auto x = hook_in_(input);
  if (gate) return down(hook_post_(gated(x)));
  return down(hook_post_(activated(hook_pre_(up(x)))));
}

torch::Tensor FeedForwardImpl::activated(const torch::Tensor& x) const {
  return activation_.kind == Activation::kXielu ? xielu(x) : activate(activation_, x);
}

torch::Tensor FeedForwardImpl::gated(const torch::Tensor& x) {
  auto pre = hook_pre_(gate(x));          // [..., d_mlp]
  auto linear = hook_pre_linear_(up(x));  // [..., d_mlp]
  if (clamp_ > 0) {
    pre = pre.clamp_max(clamp_);
    linear = linear.clamp(-clamp_, clamp_);
  }
  if (up_offset_ != 0) linear = linear + up_offset_;
  return hook_act_(activated(pre)) * linear;
}

}  // namespace spikesink
