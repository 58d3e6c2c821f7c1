#include "spikesink/intervene/edit_channels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

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

TEST_F(EditChannelsTest, ClampKeepsTheSignAndOtherChannels) {
  const auto before = stream_after(0);
  const auto scope = EditChannels({3, 9}, Clamp{0.1}, {.layers = {{0}}}).attach(model);
  auto expected = before.clone();
  for (const int64_t channel : {3, 9}) expected.select(2, channel).clamp_(-0.1, 0.1);
  EXPECT_TRUE(stream_after(0).equal(expected));
  EXPECT_FALSE(at::allclose(model->forward(tokens), clean));
}

TEST_F(EditChannelsTest, SetReplacesAfterEveryLayer) {
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

TEST_F(EditChannelsTest, ScaleMultiplies) {
  const auto before = stream_after(0);
  const auto scope = EditChannels({4}, Scale{-3}, {.layers = {{0}}}).attach(model);
  EXPECT_TRUE(stream_after(0).select(2, 4).equal(before.select(2, 4) * -3));
}

TEST_F(EditChannelsTest, MeansDifferBetweenTheStartAndTheRest) {
  const auto before = stream_after(0);
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  const SetToMean means{.at_start = {7, kUnknown}, .elsewhere = {-2, 5}};
  const auto scope = EditChannels({3, 9}, means, {.layers = {{0}}}).attach(model);
  auto expected = before.clone();
  expected.select(2, 3).fill_(-2);
  expected.select(2, 9).slice(1, 1).fill_(5);
  expected.select(2, 3).select(1, 0).fill_(7);
  EXPECT_TRUE(stream_after(0).equal(expected));
  EXPECT_THROW(EditChannels({3}, means), std::invalid_argument);
}

TEST_F(EditChannelsTest, OnlyTheChosenTokensAreEdited) {
  const auto before = stream_after(0);
  const auto edited = [&](const TokenSelector& choice) {
    const auto scope = EditChannels({3}, SetTo{9}, {.layers = {{0}}, .tokens = choice})
                           .attach_for_batch(model, {tokens, 0});
    return stream_after(0).select(2, 3) == 9;
  };
  const auto at = [](const std::vector<std::pair<int64_t, int64_t>>& places) {
    auto mask = torch::zeros({2, 12}, torch::kBool);
    for (const auto& [row, column] : places) mask[row][column] = true;
    return mask;
  };
  EXPECT_TRUE(edited(SequencePositions{{0, -1, 40}}).equal(at({{0, 0}, {1, 0}, {0, 11}, {1, 11}})));
  EXPECT_FALSE(edited(SequencePositions{{-13, -100}}).any().item<bool>())
      << "a shorter sequence has none";
  EXPECT_TRUE(
      edited(TextPositions{SpikePositions({{0, 4}, {1, 2}, {7, 3}})}).equal(at({{0, 4}, {1, 2}})));
  const auto predicate = [](const torch::Tensor& state) { return state.select(2, 0) > 0; };
  EXPECT_TRUE(edited(TokenMaskFunction(predicate)).equal(before.select(2, 0) > 0));
  EXPECT_THROW(edited(TokenMaskFunction([](const torch::Tensor& state) { return state; })),
               std::invalid_argument);
  EXPECT_THROW(EditChannels({3}, SetTo{9}, {.tokens = TextPositions{}}).attach(model).reset(),
               std::invalid_argument);
}

TEST_F(EditChannelsTest, SpikingTokensAreFoundInTheState) {
  const auto before = stream_after(0);
  const auto plant = model->hooks().add("blocks.0.hook_mlp_out", [](const torch::Tensor& out) {
    auto planted = out.clone();
    planted[1][5][20] = -1e5;
    return planted;
  });
  const auto scope =
      EditChannels({20, 3}, SetTo{0}, {.layers = {{0}}, .tokens = MassiveTokens{}}).attach(model);
  auto expected = before.clone();
  expected[1][5][20] = 0;
  expected[1][5][3] = 0;
  EXPECT_TRUE(stream_after(0).equal(expected));
}

TEST_F(EditChannelsTest, TwoThatSetOneChannelContradictEachOther) {
  const auto first = EditChannels({3, 5}, SetTo{0}, {.layers = {{1}}}).attach(model);
  const auto hooks = model->hooks().hook_count();
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] {
                         auto s = EditChannels({4, 5}, SetTo{1}).attach(model);
                       }),
                       "channel 5 of all tokens after layer 1"));
  EXPECT_EQ(model->hooks().hook_count(), hooks) << "nothing of the second one stays";
  const auto elsewhere = EditChannels({5}, SetTo{1}, {.layers = {{0}}}).attach(model);
}

TEST_F(EditChannelsTest, APostNormModelIsEditedAfterItsNorm) {
  auto config = tiny_config();
  config.norm_placement = NormPlacement::kPost;
  auto post = random_model(config);
  const auto scope = EditChannels({5}, SetTo{2}, {.layers = {{0}}}).attach(post);
  const auto next = run_with_cache(post, tokens, {"blocks.1.hook_resid_pre"});
  EXPECT_TRUE((next["blocks.1.hook_resid_pre"].select(2, 5) == 2).all().item<bool>());
}

TEST_F(EditChannelsTest, MeansAreThoseOfTheCalibration) {
  MassiveActivationsResult found;
  MassiveActivationsBlock block{.block = Block::of(1, BlockKind::kFeedForward)};
  block.channels.push_back({.channel = 9, .at_start = {.count = 2, .mean = -50}});
  block.channels.push_back({.channel = 3, .elsewhere = {.count = 1, .mean = 8}});
  found.blocks.push_back(block);
  const auto means = channel_means(found, 1, {3, 9});
  EXPECT_TRUE(std::isnan(means.at_start[0]) && std::isnan(means.elsewhere[1]));
  EXPECT_EQ(means.at_start[1], -50);
  EXPECT_EQ(means.elsewhere[0], 8);
  EXPECT_TRUE(std::isnan(channel_means(found, 0, {3}).at_start[0]));
}

TEST_F(EditChannelsTest, ChannelsAndLayersThatTheModelLacksAreRefused) {
  EXPECT_TRUE(contains(message_of<std::invalid_argument>(
                           [&] { auto s = EditChannels({32}, SetTo{0}).attach(model); }),
                       "got 32, expected 0 to 31"));
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] {
                         auto s = EditChannels({1}, SetTo{0}, {.layers = {{2}}}).attach(model);
                       }),
                       "got 2, expected 0 to 1"));
  EXPECT_THROW(EditChannels({-1}, Clamp{1}).attach(model).reset(), std::invalid_argument);
  EXPECT_EQ(model->hooks().hook_count(), 0u);
}

}  // namespace
}  // namespace spikesink
