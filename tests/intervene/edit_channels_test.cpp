#include "spikesink/intervene/edit_channels.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

struct EditChannelsTest : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model();
  torch::Tensor tokens = random_tokens(2, 12);
  torch::Tensor clean = model->forward(tokens);

  torch::Tensor stream_after(int64_t layer) {
    const auto point = "blocks." + std::to_string(layer) + ".hook_resid_post";
    return run_with_cache(model, tokens, {point})[point];
  }
};

TEST_F(EditChannelsTest, ClampKeepsTheSignAndSparesTheRest) {
  const auto before = stream_after(0);
  const auto scope = EditChannels({3, 9}, Clamp{0.1}, {0}).attach(model);
  auto expected = before.clone();
  for (const int64_t channel : {3, 9}) expected.select(2, channel).clamp_(-0.1, 0.1);
  EXPECT_TRUE(stream_after(0).equal(expected));
  EXPECT_FALSE(at::allclose(model->forward(tokens), clean));
}

TEST_F(EditChannelsTest, SetToReplacesAfterEveryLayer) {
  const auto scope = EditChannels({5}, SetTo{-2.5}).attach(model);
  for (const int64_t layer : {0, 1})
    EXPECT_TRUE((stream_after(layer).select(2, 5) == -2.5).all().item<bool>());
}

TEST_F(EditChannelsTest, ItEndsWithItsScopeAndComposes) {
  {
    const auto outer = EditChannels({5}, SetTo{7}).attach(model);
    const auto inner = EditChannels({5}, Clamp{1}).attach(model);
    EXPECT_TRUE((stream_after(1).select(2, 5) == 1).all().item<bool>()) << "in order of attaching";
  }
  EXPECT_TRUE(model->forward(tokens).equal(clean));
  const auto none = EditChannels({}, SetTo{7}).attach(model);
  EXPECT_TRUE(model->forward(tokens).equal(clean));
}

TEST_F(EditChannelsTest, WhatTheModelDoesNotHaveIsRefused) {
  EXPECT_TRUE(holds(message_of<std::invalid_argument>(
                        [&] { auto s = EditChannels({32}, SetTo{0}).attach(model); }),
                    "got 32, expected 0 to 31"));
  EXPECT_TRUE(holds(message_of<std::invalid_argument>(
                        [&] { auto s = EditChannels({1}, SetTo{0}, {2}).attach(model); }),
                    "got 2, expected 0 to 1"));
  EXPECT_THROW(EditChannels({-1}, Clamp{1}).attach(model).release(), std::invalid_argument);
  EXPECT_EQ(model->hooks().active(), 0u);
}

}  // namespace
}  // namespace spikesink
