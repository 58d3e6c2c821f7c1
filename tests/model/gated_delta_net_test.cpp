#include "spikesink/model/gated_delta_net.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/intervene/edit_heads.h"
#include "spikesink/intervene/remove_sinks.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/sinks/qk_sample.h"
#include "spikesink/measure/weights/vocabulary_probe.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

using namespace hook_names;

struct GatedDeltaNetTest : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model(tiny_hybrid_config(), torch::kDouble);
  torch::Tensor tokens = random_tokens(2, 20);

  template <typename Action>
  void expect_needs_attention(const Action& action) {
    const auto message = message_of<std::invalid_argument>(action);
    EXPECT_TRUE(contains(message,
                         "layer: got 0, which has a gated DeltaNet, expected one with "
                         "attention: 1"))
        << message;
  }
};

TEST_F(GatedDeltaNetTest, QueriesAndKeysHaveNormOne) {
  const auto cache = run_with_cache(model, tokens, {"blocks.0.delta.**"});
  for (const auto point : {kDeltaQ, kDeltaK})
    EXPECT_TRUE(at::allclose(cache[layer_hook_name(0, point)].norm(2, {3}),
                             torch::ones({2, 20, 2}, torch::kDouble), 1e-4, 1e-4));
  EXPECT_TRUE((cache[layer_hook_name(0, kDeltaDecay)] <= 0).all().item<bool>());
}

// A token changes nothing before it.
TEST_F(GatedDeltaNetTest, SeesNoLaterToken) {
  auto other = tokens.clone();
  other.select(1, 12) = (other.select(1, 12) + 1) % model->config().d_vocabulary;
  const auto before = model->forward(tokens), after = model->forward(other);
  EXPECT_TRUE(before.slice(1, 0, 12).equal(after.slice(1, 0, 12)));
  EXPECT_FALSE(before.slice(1, 12).equal(after.slice(1, 12)));
}

TEST_F(GatedDeltaNetTest, AttentionIsMeasuredInTheOtherLayers) {
  AttentionSinks sinks;
  run(model, {{tokens}}, {&sinks});
  const auto result = sinks.result();
  ASSERT_EQ(result.heads.size(), 4U);
  for (const auto& head : result.heads) EXPECT_EQ(head.layer, 1);
}

TEST_F(GatedDeltaNetTest, WhatNeedsAttentionSaysSo) {
  const std::vector<HeadIndex> heads = {{0, 1}};
  expect_needs_attention([&] { const auto scope = EditHeads(heads, Scale{0}).attach(model); });
  expect_needs_attention(
      [&] { const auto scope = RemoveSinks(CapSink{0.1}, {.heads = heads}).attach(model); });
  expect_needs_attention([&] { ov_matrix(model, 0); });
  expect_needs_attention([&] {
    QkSample sample({.heads = {{0, 1}}});
    run(model, {{tokens}}, {&sample});
  });
}

// Without a list of heads, an intervention is on those that there are.
TEST_F(GatedDeltaNetTest, AllHeadsAreThoseOfTheOtherLayers) {
  const auto before = model->forward(tokens);
  const auto scope = EditHeads(std::nullopt, Scale{0}).attach(model);
  EXPECT_FALSE(model->forward(tokens).equal(before));
}

}  // namespace
}  // namespace spikesink
