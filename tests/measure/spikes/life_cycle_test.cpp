// Against computations over whole tensors.

#include "spikesink/measure/spikes/life_cycle.h"

#include <gtest/gtest.h>

#include "measure/measured_model.h"

namespace spikesink {
namespace {

struct LifeCycleTest : MeasuredModel {};

void expect_summary_of(const torch::Tensor& state, const StateSummary& got) {
  const auto magnitudes = state.abs();
  const auto maxima = magnitudes.amax({0, 1});
  EXPECT_TRUE(torch::tensor(got.channel_max).equal(maxima));
  EXPECT_NEAR(got.median / magnitudes.median().item<double>(), 1, 1.0 / 128);
  const auto order = maxima.argsort(-1, /*descending=*/true);
  ASSERT_EQ(got.top.size(), 3u);
  for (size_t rank = 0; rank < 3; ++rank) {
    const auto& peak = got.top[rank];
    EXPECT_EQ(peak.channel, order[rank].item<int64_t>());
    EXPECT_EQ(static_cast<float>(peak.magnitude),
              magnitudes[peak.sequence][peak.position][peak.channel].item<float>());
    EXPECT_EQ(static_cast<float>(peak.magnitude), maxima[peak.channel].item<float>());
  }
}

TEST_F(LifeCycleTest, SummarisesEveryState) {
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto result = life_cycle.result();
  expect_summary_of(all_of("hook_embed")["hook_embed"], result.embedding);
  auto cache = all_of("blocks.*.*");
  ASSERT_EQ(result.blocks.size(), 4u);
  for (const auto& block : result.blocks) {
    expect_summary_of(cache[model->hidden_state_hook_name(block.block)], block.hidden_state);
    expect_summary_of(cache[block.block.output_hook_name()], block.output);
  }
  EXPECT_TRUE(result.spike_channels.empty());
  EXPECT_TRUE(result.step_up.empty());
  EXPECT_TRUE(result.step_down.empty());
}

TEST_F(LifeCycleTest, FindsRiseAndFall) {
  const auto scope = add_spikes();
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto result = life_cycle.result();
  EXPECT_EQ(result.spike_channels, (std::vector<int64_t>{3, 9}));
  EXPECT_EQ(result.step_up, std::vector<int64_t>{2});
  EXPECT_EQ(result.step_down, std::vector<int64_t>{4});
}

TEST_F(LifeCycleTest, SpikesThatDieAndRiseAgainAreEpisodes) {
  const std::vector<std::pair<std::string, double>> added = {{"blocks.0.hook_attn_out", 4000},
                                                             {"blocks.0.hook_mlp_out", -3990},
                                                             {"blocks.1.hook_attn_out", 9000},
                                                             {"blocks.1.hook_mlp_out", -4500}};
  HookScope scope;
  for (const auto& [point, amount] : added) scope += model->hooks().add(point, push(0, 3, amount));
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto result = life_cycle.result();
  ASSERT_EQ(result.episodes.size(), 2u);
  EXPECT_EQ(result.episodes[0].first.number, 1);
  EXPECT_EQ(result.episodes[0].last.number, 1);
  EXPECT_EQ(result.episodes[0].peak.channel, 3);
  EXPECT_NEAR(result.episodes[0].peak.magnitude, 4000, 50);
  EXPECT_EQ(result.episodes[1].first.number, 3);
  EXPECT_EQ(result.episodes[1].last.number, 4);
  EXPECT_NEAR(result.episodes[1].peak.magnitude, 9010, 50);
  ASSERT_EQ(result.steps.size(), 4u);
  const double shares[] = {1, 1, 1, 0.5};
  for (size_t step = 0; step < 4; ++step) {
    EXPECT_EQ(result.steps[step].block.number, static_cast<int64_t>(step) + 1);
    EXPECT_EQ(result.steps[step].channel, 3);
    EXPECT_NEAR(result.steps[step].share, shares[step], 0.02);
  }
}

TEST_F(LifeCycleTest, FindsTheFirstExcess) {
  const auto scope = add_spikes();
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto result = life_cycle.result();
  const auto excess = result.first_overflow(4500);
  ASSERT_TRUE(excess);
  EXPECT_EQ(excess->block.number, 2);
  EXPECT_EQ(excess->peak.channel, 3);
  EXPECT_EQ(excess->peak.position, 0);
  EXPECT_GT(excess->peak.magnitude, 4500);
  EXPECT_FALSE(result.first_overflow(kMaxFloat16));
}

TEST_F(LifeCycleTest, OnlyTheResidualStreamIsComparedWithALimit) {
  auto scope = model->hooks().add("hook_embed", push(0, 3, 3000));
  scope += model->hooks().add("blocks.0.hook_attn_out", push(0, 3, 2000));
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto excess = life_cycle.result().first_overflow(4500);
  ASSERT_TRUE(excess);
  EXPECT_EQ(excess->block.number, 1);
  EXPECT_NEAR(excess->peak.magnitude, 5000, 50);
}

TEST_F(LifeCycleTest, TwoPassesMerge) {
  const auto scope = add_spikes();
  const auto [once, merged] = once_and_merged<LifeCycle>();
  const auto a = once.result(), b = merged.result();
  expect_same(a.embedding, b.embedding);
  for (size_t block = 0; block < a.blocks.size(); ++block) {
    expect_same(a.blocks[block].hidden_state, b.blocks[block].hidden_state);
    expect_same(a.blocks[block].output, b.blocks[block].output);
  }
  EXPECT_EQ(a.step_up, b.step_up);
}

TEST_F(LifeCycleTest, BatchSizeChangesNothing) {
  LifeCycle together, apart;
  run(model, {{tokens, 0}}, {&together});
  run(model, token_batches(rows(0, kSequences), 1), {&apart});
  const auto a = together.result(), b = apart.result();
  for (size_t block = 0; block < a.blocks.size(); ++block) {
    const auto &one = a.blocks[block].hidden_state.top[0],
               &other = b.blocks[block].hidden_state.top[0];
    EXPECT_EQ(std::tie(one.channel, one.sequence, one.position),
              std::tie(other.channel, other.sequence, other.position));
    EXPECT_NEAR(one.magnitude / other.magnitude, 1, 1e-5);
  }
}

TEST_F(LifeCycleTest, AStateHasATopChannel) {
  LifeCycle none({.top = 0});
  EXPECT_THROW(run(model, batches, {&none}), std::invalid_argument);
}

}  // namespace
}  // namespace spikesink
