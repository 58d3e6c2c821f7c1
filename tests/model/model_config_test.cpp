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
