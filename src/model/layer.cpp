#include "spikesink/model/layer.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

// Hook points and norms are created in the order of the forward pass.
LayerImpl::LayerImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer)
    : residual_(config.residual), multiplier_(config.residual_multiplier) {
  const auto point = [&](std::string_view name) {
    return hooks.add_point(layer_hook_name(layer, name));
  };
  const auto norm = [&](const char* name, bool exists) -> Norm {
    if (!exists) return Norm(NormConfig{.kind = NormKind::kNone}, config.d_model, hooks, "");
    return register_module(name,
                           Norm(config.norm, config.d_model, hooks, layer_hook_name(layer, name)));
  };
  const auto [input, output, sum] = norm_flags(config.norm_placement);

  hook_resid_pre_ = point(kResidPre);
  attention_norms.input = norm("ln1", input);
  if (config.layer(layer).mixer == MixerKind::kGatedDeltaNet) {
    delta = register_module("delta", GatedDeltaNet(config, hooks, layer));
  } else {
    attn = register_module("attn", Attention(config, hooks, layer));
  }
  attention_norms.output = norm("ln1_post", output);
  hook_attn_out_ = point(kAttnOut);
  hook_resid_mid_ = point(kResidMid);
  attention_norms.sum = norm("ln1", sum);
  if (sum) hook_normalized_resid_mid_ = point(kNormalizedResidMid);
  const bool has_second = config.feed_forward != FeedForwardKind::kNone;
  feed_forward_norms.input =
      norm("ln2", input && has_second && residual_ != ResidualForm::kParallelSharedNorm);
  if (config.feed_forward == FeedForwardKind::kLinear) {
    hook_mlp_in_ = hooks.add_point(layer_hook_name(layer, "mlp.hook_in"));
    linear = register_module("mlp", Linear(config.d_model, config.d_model, config.mlp_bias));
  } else if (config.layer(layer).has_experts) {
    experts = register_module("mlp", Experts(config, hooks, layer_hook_name(layer, "mlp")));
  } else if (config.feed_forward == FeedForwardKind::kMlp) {
    mlp = register_module("mlp",
                          FeedForward(config, config.d_mlp, hooks, layer_hook_name(layer, "mlp")));
  }
  feed_forward_norms.output = norm("ln2_post", output && has_second);
  hook_mlp_out_ = point(kMlpOut);
  hook_resid_post_ = point(kResidPost);
  feed_forward_norms.sum = norm("ln2", sum && has_second);
  if (sum) hook_normalized_resid_post_ = point(kNormalizedResidPost);
}

torch::Tensor LayerImpl::forward(const torch::Tensor& stream, const PassContext& context) {
  const bool parallel = residual_ != ResidualForm::kSequential;
  const bool shares_norm = residual_ == ResidualForm::kParallelSharedNorm;
  const auto scale_output = [&](const torch::Tensor& x) {
    return multiplier_ == 1 ? x : x * multiplier_;
  };
  auto& [input1, output1, sum1] = attention_norms;
  auto& [input2, output2, sum2] = feed_forward_norms;

  const auto resid_pre = hook_resid_pre_(stream);
  const auto attention_in = input1(resid_pre);
  const auto attention_out =
      hook_attn_out_(scale_output(output1(mix_tokens(attention_in, context))));
  const auto resid_mid =
      norm_sum(sum1, hook_resid_mid_, hook_normalized_resid_mid_, resid_pre + attention_out);

  const auto mlp_in = shares_norm ? attention_in : input2(parallel ? resid_pre : resid_mid);
  const auto mlp_out = hook_mlp_out_(scale_output(output2(feed_forward(mlp_in))));
  return norm_sum(sum2, hook_resid_post_, hook_normalized_resid_post_, resid_mid + mlp_out);
}

torch::Tensor LayerImpl::mix_tokens(const torch::Tensor& x, const PassContext& context) {
  return attn ? attn(x, context) : delta(x, context);
}

torch::Tensor LayerImpl::feed_forward(const torch::Tensor& x) {
  if (mlp) return mlp(x);
  if (experts) return experts(x);
  return linear ? linear(hook_mlp_in_(x)) : at::zeros_like(x);
}

// The residual stream after a block. A post-norm model has one hook point before the norm and one
// after it. If an intervention adds a norm here, the only hook point is after the norm, so that it
// sees the next block's input.
torch::Tensor LayerImpl::norm_sum(const Norm& norm, const HookPoint& state,
                                  const HookPoint& normalized, const torch::Tensor& sum) const {
  if (normalized.exists()) return normalized(norm->forward(state(sum)));
  return state(norm->forward(sum));
}

}  // namespace spikesink
