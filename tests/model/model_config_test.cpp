#include "spikesink/model/model_config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "message_of.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

TEST(ModelConfigTest, AnInvalidModelIsRefusedWithTheFirstInvalidField) {
  const auto refusal = [](const std::function<void(ModelConfig&)>& change) {
    auto config = tiny_config();
    change(config);
    return message_of<std::invalid_argument>([&] { config.validate(); });
  };
  tiny_config().validate();
  EXPECT_TRUE(contains(refusal([](auto& c) { c.d_model = 0; }), "d_model: got 0"));
  EXPECT_TRUE(
      contains(refusal([](auto& c) { c.n_key_value_heads = 3; }), "a divisor of n_heads = 4"));
  EXPECT_TRUE(contains(refusal([](auto& c) { c.norm.epsilon = 0; }), "norm_epsilon"));
  EXPECT_TRUE(contains(refusal([](auto& c) { c.attention_softcap = -1; }), "attention_softcap"));
  EXPECT_TRUE(contains(refusal([](auto& c) {
                         c.residual = ResidualForm::kParallelOwnNorms;
                         c.norm_placement = NormPlacement::kPost;
                       }),
                       "residual"));
  EXPECT_TRUE(contains(refusal([](auto& c) {
                         c.attention_form = AttentionForm::kSigmoid;
                         c.sink_logits = true;
                       }),
                       "attention_form"));
  EXPECT_TRUE(contains(refusal([](auto& c) {
                         c = tiny_hybrid_config();
                         c.delta_net.n_value_heads = 3;
                       }),
                       "delta_net.n_value_heads: got 3, expected a multiple of n_key_heads = 2"));
  EXPECT_TRUE(contains(refusal([](auto& c) {
                         c = tiny_hybrid_config();
                         c.causal = false;
                       }),
                       "layers.mixer: got gated DeltaNet in an encoder, expected attention"));
  EXPECT_TRUE(contains(refusal([](auto& c) { c.query_scale = {.growth = -1, .interval = 4}; }),
                       "query_scale.growth: got -1"));
  EXPECT_TRUE(
      contains(refusal([](auto& c) { c.query_scale.growth = 1; }), "query_scale.interval: got 0"));
  EXPECT_TRUE(contains(refusal([](auto& c) {
                         c.activation.kind = Activation::kXielu;
                         c.head = OutputHead::kMaskedLm;
                       }),
                       "xielu"));
  EXPECT_TRUE(contains(refusal([](auto& c) { c.d_value = -1; }), "d_value: got -1"));
}

TEST(ModelConfigTest, InvalidExpertsAreRefused) {
  const auto refusal = [](const std::function<void(ExpertsConfig&)>& change) {
    auto config = tiny_config();
    config.experts = {.count = 6, .experts_per_token = 3, .d_mlp = 4};
    config.experts.groups = 3;
    config.experts.groups_per_token = 2;
    config.validate();
    change(config.experts);
    return message_of<std::invalid_argument>([&] { config.validate(); });
  };
  EXPECT_TRUE(contains(refusal([](auto& e) { e.weight_scale = 0; }), "experts.weight_scale"));
  EXPECT_TRUE(contains(refusal([](auto& e) { e.least_sum = -1; }), "experts.least_sum"));
  EXPECT_TRUE(contains(refusal([](auto& e) { e.mixer_range = -1; }), "experts.mixer_range"));
  EXPECT_TRUE(contains(refusal([](auto& e) { e.groups = 4; }), "experts.groups: got 4"));
  EXPECT_TRUE(contains(refusal([](auto& e) { e.groups = 6; }), "at least 2 in each group"));
  EXPECT_TRUE(contains(refusal([](auto& e) { e.groups_per_token = 1; }),
                       "experts.groups_per_token: got 1"));
  EXPECT_TRUE(contains(refusal([](auto& e) { e.groups_per_token = 4; }),
                       "experts.groups_per_token: got 4"));
}

TEST(ModelConfigTest, InvalidLatentAttentionIsRefused) {
  const auto refusal = [](const std::function<void(ModelConfig&)>& change) {
    auto config = tiny_config();
    config.n_key_value_heads = config.n_heads;
    config.latent = {.kv_rank = 6, .q_rank = 5, .d_rope = 4};
    config.validate();
    change(config);
    return message_of<std::invalid_argument>([&] { config.validate(); });
  };
  EXPECT_TRUE(contains(refusal([](auto& c) { c.latent.kv_rank = -1; }), "latent.kv_rank"));
  EXPECT_TRUE(contains(refusal([](auto& c) { c.latent.q_rank = -1; }), "latent.q_rank"));
  EXPECT_TRUE(contains(refusal([](auto& c) { c.latent.d_rope = 3; }), "latent.d_rope: got 3"));
  EXPECT_TRUE(contains(refusal([](auto& c) { c.latent.d_rope = 8; }), "below d_head = 8"));
  EXPECT_TRUE(contains(refusal([](auto& c) { c.latent.norm.epsilon = 0; }), "latent.norm"));
  EXPECT_TRUE(contains(refusal([](auto& c) { c.n_key_value_heads = 1; }), "n_key_value_heads"));
  EXPECT_TRUE(contains(refusal([](auto& c) { c.qkv_clip = 1; }), "qkv_clip"));
}

TEST(ModelConfigTest, WhatFollowsFromItsFields) {
  auto config = tiny_config();
  EXPECT_STREQ(config.position_encoding(), "rotary");
  EXPECT_DOUBLE_EQ(config.softmax_scale(), 1 / std::sqrt(8.0));
  config.attention_scale = 0.25;
  EXPECT_EQ(config.softmax_scale(), 0.25);
  EXPECT_EQ(config.gate_factors(), 0);
  for (const auto& [width, factors] :
       {std::pair(GateWidth::kToken, 1), {GateWidth::kHead, 4}, {GateWidth::kChannel, 32}}) {
    config.gate = {GateInput::kHidden, width};
    EXPECT_EQ(config.gate_factors(), factors);
  }
  EXPECT_TRUE(config.is_causal_lm());
  config.causal = false;
  EXPECT_FALSE(config.is_causal_lm());
  EXPECT_EQ(config.layer(1).window, 0) << "layers of a model that lists none are alike";
}

TEST(ModelConfigTest, SitesOfNormsAreThoseOfTheEquation) {
  const auto sites = [](NormPlacement placement) {
    const auto [input, output, sum] = norm_flags(placement);
    return std::vector<bool>{input, output, sum};
  };
  EXPECT_EQ(sites(NormPlacement::kPre), (std::vector<bool>{true, false, false}));
  EXPECT_EQ(sites(NormPlacement::kPost), (std::vector<bool>{false, false, true}));
  EXPECT_EQ(sites(NormPlacement::kSandwich), (std::vector<bool>{true, true, false}));
  EXPECT_EQ(sites(NormPlacement::kOutput), (std::vector<bool>{false, true, false}));
}

}  // namespace
}  // namespace spikesink
