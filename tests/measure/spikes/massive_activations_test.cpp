// Against computations over whole tensors.

#include "spikesink/measure/spikes/massive_activations.h"

#include <gtest/gtest.h>

#include "measure/measured_model.h"

namespace spikesink {
namespace {

struct MassiveActivationsTest : MeasuredModel {};

TEST_F(MassiveActivationsTest, AreThoseOfTheDefinition) {
  const auto scope = add_spikes();
  MassiveActivations massive;
  run(model, batches, {&massive});
  const auto result = massive.result();
  auto cache = all_of("blocks.*.*");
  for (int64_t number = 1; number <= 4; ++number) {
    const auto state = cache[model->hidden_state_hook_name(Block{number})];
    const auto medians = std::get<0>(state.abs().flatten(1).median(1));
    const auto is_massive = (state.abs() > 100) & (state.abs() >= 1000 * medians.view({-1, 1, 1}));
    const auto found =
        std::find_if(result.blocks.begin(), result.blocks.end(),
                     [&](const auto& block) { return block.block.number == number; });
    ASSERT_EQ(found != result.blocks.end(), is_massive.any().item<bool>()) << "block " << number;
    if (found == result.blocks.end()) continue;
    EXPECT_EQ(found->token_count, is_massive.any(2).sum().item<int64_t>());
    for (const auto& channel : found->channels) {
      const auto values = state.select(2, channel.channel)
                              .masked_select(is_massive.select(2, channel.channel))
                              .to(torch::kDouble);
      EXPECT_EQ(channel.all.count, values.numel());
      EXPECT_NEAR(channel.all.mean, values.mean().item<double>(),
                  1e-6 * std::abs(channel.all.mean));
      EXPECT_NEAR(channel.all.standard_deviation(), values.std().item<double>(),
                  1e-6 * std::abs(channel.all.mean));
      EXPECT_EQ(channel.largest, values.abs().max().item<double>());
    }
  }
  EXPECT_EQ(result.channels(), (std::vector<int64_t>{3, 9}));
  EXPECT_EQ(result.blocks.front().positions,
            (std::map<int64_t, int64_t>{{0, kSequences}, {4, kSequences}}));
  EXPECT_GT(
      result.blocks.front().channels[0].at_start.mean * result.blocks.front().channels[0].largest,
      0)
      << "means are signed";
  EXPECT_LT(result.blocks.front().channels[1].elsewhere.mean, -3000);
}

TEST_F(MassiveActivationsTest, AMagnitudeAtTheThresholdsIsMassiveByRatioAlone) {
  constexpr float kMedian = 1537.0F / 8192, kAtRatio = 1000 * kMedian;  // exact, both
  const auto last = model->hidden_state_hook_name(Block{2 * model->config().n_layers});
  const auto scope = model->hooks().add(last, [&](const torch::Tensor& x) {
    auto state = torch::full_like(x, kMedian);
    state.select(1, 1).select(1, 3).fill_(kAtRatio);
    state.select(1, 2).select(1, 9).fill_(std::nextafter(kAtRatio, 0.0F));
    return state;
  });
  MassiveActivations massive, too_small({.least_magnitude = kAtRatio});
  run(model, batches, {&massive, &too_small});
  EXPECT_EQ(massive.result().channels(), std::vector<int64_t>{3});
  EXPECT_TRUE(too_small.result().blocks.empty()) << "not larger than the least magnitude";
}

TEST_F(MassiveActivationsTest, TwoPassesMerge) {
  const auto scope = add_spikes();
  const auto [once, merged] = once_and_merged<MassiveActivations>();
  const auto a = once.result(), b = merged.result();
  ASSERT_EQ(a.blocks.size(), b.blocks.size());
  for (size_t block = 0; block < a.blocks.size(); ++block) {
    EXPECT_EQ(a.blocks[block].positions, b.blocks[block].positions);
    EXPECT_EQ(a.blocks[block].token_count, b.blocks[block].token_count);
    ASSERT_EQ(a.blocks[block].channels.size(), b.blocks[block].channels.size());
    for (size_t index = 0; index < a.blocks[block].channels.size(); ++index) {
      const auto &one = a.blocks[block].channels[index], &other = b.blocks[block].channels[index];
      EXPECT_EQ(one.channel, other.channel);
      EXPECT_NEAR(one.all.mean, other.all.mean, 1e-9 * std::abs(one.all.mean));
      EXPECT_NEAR(one.all.standard_deviation(), other.all.standard_deviation(), 1e-6 * one.largest);
    }
    EXPECT_EQ(a.blocks[block].tokens.size(), b.blocks[block].tokens.size());
  }
}

}  // namespace
}  // namespace spikesink
