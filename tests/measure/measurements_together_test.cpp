// Every measurement in one run: the runs, the models and the texts that all of them must take.

#include <gtest/gtest.h>

#include "measure/all_measurements.h"

namespace spikesink {
namespace {

struct MeasurementsTogetherTest : AllMeasurementsTest {};

TEST_F(MeasurementsTogetherTest, SomethingIsMeasured) {
  const auto all = measured(0, kSequences, 2);
  EXPECT_FALSE(all->massive.result().blocks.empty());
  EXPECT_FALSE(all->first.result().layers.empty());
  EXPECT_GT(all->tokens.result().spiking, 0);
  EXPECT_GT(all->anywhere.result().token_positions.size(), 0u);
  EXPECT_FALSE(all->fit.result().channels.empty());
}

TEST_F(MeasurementsTogetherTest, ARunStartsAnewAndLeavesNoHook) {
  LifeCycle life_cycle;
  MassiveActivations massive;
  AttentionSinks sinks;
  Perplexity perplexity;
  const std::vector<Measurement*> all = {&life_cycle, &massive, &sinks, &perplexity};
  run(model, batches, all);
  const auto before = life_cycle.result();
  std::vector<std::pair<int64_t, int64_t>> progress;
  run(model, batches, all,
      {.progress = [&](int64_t done, int64_t total) { progress.emplace_back(done, total); }});
  expect_same(before.blocks[3].hidden_state, life_cycle.result().blocks[3].hidden_state);
  EXPECT_EQ(perplexity.result().tokens, kSequences * (kLength - 1));
  EXPECT_EQ(sinks.result().sequences, kSequences);
  ASSERT_EQ(progress.size(), 3 * model->config().n_layers);
  EXPECT_EQ(progress[0], (std::pair<int64_t, int64_t>{2, 6 * model->config().n_layers}));
  EXPECT_EQ(progress.back().first, progress.back().second);
  EXPECT_EQ(model->hooks().hook_count(), 0u);
}

TEST_F(MeasurementsTogetherTest, StatesThatAreNotFiniteAreCounted) {
  const auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(2, 1, INFINITY));
  LifeCycle life_cycle;
  MassiveActivations massive;
  AttentionSinks sinks;
  Perplexity perplexity;
  run(model, batches, {&life_cycle, &massive, &sinks, &perplexity});
  EXPECT_EQ(life_cycle.result().blocks[0].hidden_state.not_finite, 0);
  EXPECT_EQ(life_cycle.result().blocks[1].hidden_state.not_finite, kSequences);
  EXPECT_GT(life_cycle.result().blocks[3].hidden_state.not_finite, kSequences);
  EXPECT_TRUE(std::isfinite(life_cycle.result().blocks[1].hidden_state.top[0].magnitude));
  int64_t total = life_cycle.result().embedding.not_finite;
  for (const auto& block : life_cycle.result().blocks)
    total += block.hidden_state.not_finite + block.output.not_finite;
  EXPECT_EQ(life_cycle.result().not_finite(), total);
}

TEST_F(MeasurementsTogetherTest, ModelsWithoutANetworkAreMeasured) {
  for (const auto kind : {FeedForwardKind::kLinear, FeedForwardKind::kNone}) {
    auto config = tiny_config();
    config.feed_forward = kind;
    use(random_model(config));
    const auto all = measured(0, kSequences, 2);
    const int64_t layers = config.n_layers, inputs = kind == FeedForwardKind::kLinear ? 3 : 2;
    EXPECT_EQ(static_cast<int64_t>(all->forms.blocks.size()), inputs == 3 ? layers : 0);
    EXPECT_EQ(static_cast<int64_t>(all->quantisation.result().inputs.size()), inputs * layers + 1);
    EXPECT_TRUE(all->gates.result().blocks.empty());
    EXPECT_TRUE(all->fit.result().channels.empty());
    EXPECT_EQ(static_cast<int64_t>(all->life.result().blocks.size()), 2 * layers);
  }
}

TEST_F(MeasurementsTogetherTest, ARunThatEndsEarlyReportsTheLayersItRan) {
  const auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(0, 3, 5000));
  AllMeasurements whole(model), early(model);
  run(model, batches, whole.list());
  run(model, batches, {&early.life, &early.sinks, &early.self, &early.geometry},
      {.stop_after = Block{2}});
  const auto life = early.life.result(), expected = whole.life.result();
  ASSERT_EQ(life.blocks.size(), 2u);
  EXPECT_EQ(life.spike_channels, expected.spike_channels);
  EXPECT_EQ(life.step_up, expected.step_up);
  const auto sinks = early.sinks.result(), all_sinks = whole.sinks.result();
  ASSERT_EQ(2 * sinks.heads.size(), all_sinks.heads.size());
  for (size_t head = 0; head < sinks.heads.size(); ++head)
    EXPECT_EQ(sinks.heads[head].importance, all_sinks.heads[head].importance);
  EXPECT_EQ(2 * early.self.result().heads.size(), whole.self.result().heads.size());
  EXPECT_EQ(2 * early.geometry.result().heads.size(), whole.geometry.result().heads.size());
}

TEST_F(MeasurementsTogetherTest, TokenPositionsAreThoseOfTheTextBehindAPrefix) {
  const auto longer = with_prefix(batches[0], {7, 7});
  auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(0, 3, 5000));
  scope += model->hooks().add("blocks.0.hook_mlp_out", push(5, 3, 5000));
  SpikeTokens tokens;
  MassiveOnset first;
  run(model, {longer}, {&tokens, &first});
  const std::vector<TokenPosition> places = {{0, 3}, {1, 3}};  // 5 with the prefix, where 0 is
  EXPECT_EQ(tokens.result().spike_positions.positions(), places);
  EXPECT_EQ(first.result().spike_positions.positions(), places);
  EXPECT_EQ(tokens.result().spiking, 4) << "by position and id the prefix counts";
  SinksAnywhere anywhere({.epsilon = 0.01});
  run(model, {longer}, {&anywhere});
  ASSERT_FALSE(anywhere.result().token_positions.empty());
  for (const auto& token : anywhere.result().token_positions)
    EXPECT_EQ(token.id, batches[0].ids[token.sequence][token.position].item<int64_t>());
  QkSample sample({.heads = {{0, 0}}});
  run(model, {longer}, {&sample});
  const auto queries = sample.result().front().queries;
  ASSERT_FALSE(queries.empty());
  for (const auto& query : queries)
    EXPECT_EQ(query.id, batches[0].ids[query.token.sequence][query.token.position].item<int64_t>());
  SinkGeometry at_place({.sinks = {.positions = {}, .token_positions = {{0, 3}, {1, 3}}}});
  SinkGeometry at_position({.sinks = {.positions = {5}}});
  run(model, {longer}, {&at_place, &at_position});
  EXPECT_EQ(at_place.serialize(), at_position.serialize());
}

}  // namespace
}  // namespace spikesink
