#include "spikesink/model/layer.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

// Points and norms are made in the order in which a forward pass meets them.
LayerImpl::LayerImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer)
    : placement_(config.norm_placement),
      residual_(config.residual),
      multiplier_(config.residual_multiplier) {
  const auto point = [&](std::string_view name) { return hooks.make(in_block(layer, name)); };
  const auto norm = [&](const char* name, bool exists) {
    auto what = config.norm;
    if (!exists) what.kind = NormKind::kNone;
    return register_module(name, Norm(what, config.d_model, hooks, in_block(layer, name)));
  };
  const bool post = placement_ == NormPlacement::kPost;
  const bool pre = placement_ == NormPlacement::kPre || placement_ == NormPlacement::kSandwich;
  const bool of_output =
      placement_ == NormPlacement::kSandwich || placement_ == NormPlacement::kOutput;

  hook_resid_pre_ = point(kResidPre);
  if (!post) ln1 = norm("ln1", pre);
  attn = register_module("attn", Attention(config, hooks, layer));
  ln1_post = norm("ln1_post", of_output);
  hook_attn_out_ = point(kAttnOut);
  hook_resid_mid_ = point(kResidMid);
  if (post) {
    ln1 = norm("ln1", true);
    hook_normalized_resid_mid_ = point(kNormalizedResidMid);
  } else {
    ln2 = norm("ln2", pre && residual_ != ResidualForm::kParallelSharedNorm);
  }
  if (config.layer(layer).has_experts) {
    experts = register_module("mlp", Experts(config, hooks, in_block(layer, "mlp")));
  } else {
    mlp = register_module("mlp", FeedForward(config, config.d_mlp, hooks, in_block(layer, "mlp")));
  }
  ln2_post = norm("ln2_post", of_output);
  hook_mlp_out_ = point(kMlpOut);
  hook_resid_post_ = point(kResidPost);
  if (post) {
    ln2 = norm("ln2", true);
    hook_normalized_resid_post_ = point(kNormalizedResidPost);
  }
  const auto identity = [&] {
    return Norm(NormConfig{.kind = NormKind::kNone}, config.d_model, hooks, "");
  };
  ln1_sum = post ? ln1 : identity();
  ln2_sum = post ? ln2 : identity();
}

torch::Tensor LayerImpl::forward(const torch::Tensor& stream, const Positions& positions) {
  const bool parallel = residual_ != ResidualForm::kSequential;
  const bool post_norm = placement_ == NormPlacement::kPost;
  const auto before = [&](Norm& norm, const torch::Tensor& x) { return post_norm ? x : norm(x); };
  const auto feed_forward = [&](const torch::Tensor& x) { return mlp ? mlp(x) : experts(x); };
  const auto added = [&](const torch::Tensor& x) { return multiplier_ == 1 ? x : x * multiplier_; };

  const auto resid_pre = hook_resid_pre_(stream);
  const auto attention_in = before(ln1, resid_pre);
  const auto attention_out = hook_attn_out_(added(ln1_post(attn(attention_in, positions))));
  const auto resid_mid =
      summed(ln1_sum, hook_resid_mid_, hook_normalized_resid_mid_, resid_pre + attention_out);

  const bool shares_norm = residual_ == ResidualForm::kParallelSharedNorm;
  const auto mlp_in = shares_norm ? attention_in : before(ln2, parallel ? resid_pre : resid_mid);
  const auto mlp_out = hook_mlp_out_(added(ln2_post(feed_forward(mlp_in))));
  return summed(ln2_sum, hook_resid_post_, hook_normalized_resid_post_, resid_mid + mlp_out);
}

// The stream after a block. A post-norm model has a point on either side of the norm; where a norm
// was put there for a while, the one point that there is sees what the next block reads.
torch::Tensor LayerImpl::summed(const Norm& norm, const HookPoint& state,
                                const HookPoint& normalized, const torch::Tensor& sum) const {
  if (normalized.exists()) return normalized(norm->forward(state(sum)));
  return state(norm->forward(sum));
}

}  // namespace spikesink
