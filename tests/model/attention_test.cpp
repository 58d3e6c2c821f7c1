// Forms of attention other than the softmax, and what models have beside it, against explicit
// matrices in float64.

#include "spikesink/model/attention.h"

#include <gtest/gtest.h>

#include "spikesink/measure/sinks/attention_sinks.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

struct Explicit {
  torch::Tensor pattern;  // what values are multiplied with, [B, H, T, T]
  torch::Tensor shares;   // of each query's attention
};

std::string name_of(AttentionForm form) {
  constexpr std::array kNames = {"Softmax", "SoftmaxPlusOne", "Sigmoid", "Softpick"};
  return kNames[static_cast<size_t>(form)];
}

class AttentionFormTest : public testing::TestWithParam<AttentionForm> {};

Explicit expected(const torch::Tensor& scores, AttentionForm form) {
  const auto seen = scores.isfinite();
  if (form == AttentionForm::kSigmoid) {
    const auto weights = at::sigmoid(scores);
    return {weights, weights / weights.sum(-1, true)};
  }
  const auto powers = at::exp(scores);
  torch::Tensor pattern;
  if (form == AttentionForm::kSoftpick) {
    const auto distances = (powers - 1).abs().masked_fill(~seen, 0).sum(-1, true);
    const auto epsilon = 1e-6 * at::exp(scores.amax(-1, true).clamp_min(0));
    pattern = at::relu(powers - 1) / (distances + epsilon);
  } else {
    pattern = powers / (powers.sum(-1, true) + (form == AttentionForm::kSoftmaxPlusOne ? 1 : 0));
  }
  return {pattern, pattern};
}

TEST_P(AttentionFormTest, AllImplementationsAgreeWithTheMatrix) {
  const torch::NoGradGuard no_grad;
  auto config = tiny_config();
  config.attention_form = GetParam();
  auto model = random_model(config, torch::kDouble);
  const auto tokens = random_tokens(2, 70);  // more than one band of queries
  const auto watched = run_with_cache(
      model, tokens, {"**.hook_attn_scores", "**.hook_pattern", "**.hook_z", "**.hook_v"});
  const auto fused = run_with_cache(model, tokens, {"**.hook_z"});
  AttentionSinks sinks({.keys = {0, 5}});
  run(model, {{tokens, 0}}, {&sinks});
  for (const int64_t layer : {0, 1}) {
    const auto at = [&](const ActivationCache& cache, const std::string& point) {
      return cache["blocks." + std::to_string(layer) + ".attn." + point];
    };
    const auto [pattern, shares] = expected(at(watched, "hook_attn_scores"), GetParam());
    EXPECT_TRUE(at::allclose(at(watched, "hook_pattern"), pattern, 1e-5, 1e-7));
    const auto values = at(watched, "hook_v").repeat_interleave(2, 2).transpose(1, 2);
    const auto z = at::matmul(pattern, values).transpose(1, 2);
    EXPECT_TRUE(at::allclose(at(watched, "hook_z"), z, 1e-5, 1e-6));
    EXPECT_TRUE(at::allclose(at(fused, "hook_z"), at(watched, "hook_z"), 1e-8, 1e-10));
    for (const int64_t key : {0, 5}) {
      const auto received = shares.select(3, key).slice(2, key).mean(2).mean(0);  // [H]
      for (const auto& head : sinks.result().heads) {
        if (head.layer != layer || head.key != key) continue;
        EXPECT_NEAR(head.importance, received[head.head].item<double>(), 1e-6);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, AttentionFormTest,
                         testing::Values(AttentionForm::kSoftmax, AttentionForm::kSoftmaxPlusOne,
                                         AttentionForm::kSigmoid, AttentionForm::kSoftpick),
                         [](const auto& info) { return name_of(info.param); });

TEST(KeyValueBiasTest, IsOneMoreKeyForEveryQuery) {
  const torch::NoGradGuard no_grad;
  auto config = tiny_config();
  config.learned_key_value = true;
  auto model = random_model(config, torch::kDouble);
  const auto tokens = random_tokens(2, 70);
  const auto watched = run_with_cache(
      model, tokens,
      {"**.hook_attn_scores", "**.hook_pattern", "**.hook_z", "**.hook_v", "**.hook_rot_q"});
  const auto fused = run_with_cache(model, tokens, {"**.hook_z"});
  const std::string at = "blocks.0.attn.";
  const auto& attention = model->layers[0]->attn;
  const auto key = attention->bias_key.repeat_interleave(2, 0);      // [H, d_head]
  const auto value = attention->bias_value.repeat_interleave(2, 0);  // [H, d_head]
  const auto own = (watched[at + "hook_rot_q"] * key).sum(-1).transpose(1, 2).unsqueeze(-1) *
                   config.softmax_scale();  // [B, H, T, 1]
  const auto pattern = at::softmax(at::cat({own, watched[at + "hook_attn_scores"]}, -1), -1);
  EXPECT_TRUE(at::allclose(watched[at + "hook_pattern"], pattern.slice(3, 1), 1e-8, 1e-12));
  const auto values = watched[at + "hook_v"].repeat_interleave(2, 2).transpose(1, 2);
  const auto z =
      (at::matmul(pattern.slice(3, 1), values) + pattern.slice(3, 0, 1) * value.unsqueeze(1))
          .transpose(1, 2);
  EXPECT_TRUE(at::allclose(watched[at + "hook_z"], z, 1e-8, 1e-10));
  EXPECT_TRUE(at::allclose(fused[at + "hook_z"], z, 1e-8, 1e-10));
}

}  // namespace
}  // namespace spikesink
