#include "spikesink/intervene/compare_interventions.h"

#include <gtest/gtest.h>

#include "measure/attention_models.h"
#include "spikesink/intervene/edit_channels.h"
#include "spikesink/intervene/remove_sinks.h"
#include "spikesink/measure/practice/kl_divergence.h"

namespace spikesink {
namespace {

struct CompareTest : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model(tiny_config(), torch::kDouble);
  TokenBatches batches = batches_of_lengths({12, 30});
  NamedInterventions scaled{"scaled",
                            {std::make_shared<EditChannels>(std::vector<int64_t>{3}, Scale{40})}};
  NamedInterventions masked{"masked", {std::make_shared<RemoveSinks>(MaskSink{})}};

  // Mean over all predicted tokens of sum p log(p / q), from whole logits.
  double divergence_under(const Intervention& intervention) {
    double sum = 0;
    int64_t tokens = 0;
    for (const auto& batch : batches) {
      const auto log_p = at::log_softmax(model->forward(batch.ids), -1).slice(1, 0, -1);
      const auto scope = intervention.attach(model);
      const auto log_q = at::log_softmax(model->forward(batch.ids), -1).slice(1, 0, -1);
      sum += (log_p.exp() * (log_p - log_q)).sum().item<double>();
      tokens += log_p.size(0) * log_p.size(1);
    }
    return sum / static_cast<double>(tokens);
  }
};

TEST_F(CompareTest, EachRowIsThatOfOneRunUnderItsIntervention) {
  const auto clean = model->forward(batches[0].ids);
  const auto results = compare_interventions(
      model, batches,
      {scaled, masked, {"both", {scaled.interventions[0], masked.interventions[0]}}});
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results[0].name, "clean");
  EXPECT_EQ(results[0].divergence.mean, 0);
  EXPECT_EQ(results[3].name, "both");
  EXPECT_TRUE(model->forward(batches[0].ids).equal(clean)) << "all of them came off";
  for (size_t index : {1, 2}) {
    const auto& intervention = *(index == 1 ? scaled : masked).interventions[0];
    EXPECT_NEAR(results[index].divergence.mean, divergence_under(intervention), 1e-9);
    const auto scope = intervention.attach(model);
    Perplexity perplexity;
    AttentionSinks sinks;
    LifeCycle life;
    run(model, batches, {&perplexity, &sinks, &life});
    EXPECT_NEAR(results[index].perplexity.mean_loss, perplexity.result().mean_loss, 1e-9);
    EXPECT_EQ(results[index].perplexity.sequences.size(), 4u);
    EXPECT_EQ(results[index].sinks.sink_ratio_percent(SinkDefinition::kFAttn),
              sinks.result().sink_ratio_percent(SinkDefinition::kFAttn));
    double largest = 0;
    for (const auto& block : life.result().blocks)
      largest = std::max(largest, block.hidden_state.top.front().magnitude);
    EXPECT_EQ(results[index].spike.magnitude, largest);
    EXPECT_GT(results[index].spike_block.number, 0);
  }
  EXPECT_GT(results[1].spike.magnitude, 10 * results[0].spike.magnitude);
  EXPECT_EQ(results[1].spike.channel, 3);
}

TEST_F(CompareTest, AnInterventionThatFailsLeavesTheModelAsItWas) {
  const auto clean = model->forward(batches[0].ids);
  const NamedInterventions bad{"bad", {masked.interventions[0], masked.interventions[0]}};
  EXPECT_THROW(compare_interventions(model, batches, {bad}), std::invalid_argument);
  EXPECT_TRUE(model->forward(batches[0].ids).equal(clean));
  EXPECT_EQ(model->hooks().hook_count(), 0u);
}

TEST_F(CompareTest, TheReferenceMustBeOfTheSameBatches) {
  FinalStates states;
  run(model, {batches[0]}, {&states});
  KlDivergence divergence(states);
  EXPECT_THROW(run(model, {batches[1]}, {&divergence}), std::invalid_argument);
  EXPECT_THROW(run(model, {batches[0], batches[0]}, {&divergence}), std::invalid_argument);
}

TEST_F(CompareTest, APrefixIsNotCounted) {
  FinalStates states;
  run(model, {batches[0]}, {&states});
  const TokenBatches longer = {with_prefix(batches[0], {7, 7, 7})};
  KlDivergence divergence(states);
  Perplexity perplexity;
  run(model, longer, {&divergence, &perplexity});
  EXPECT_EQ(divergence.result().count, 2 * 11);
  EXPECT_EQ(perplexity.result().tokens, 2 * 11);
  const auto logits = model->forward(longer[0].ids).slice(1, 3, -1);
  const auto log_q = at::log_softmax(logits, -1);
  const auto log_p = at::log_softmax(model->forward(batches[0].ids).slice(1, 0, -1), -1);
  EXPECT_NEAR(divergence.result().mean,
              (log_p.exp() * (log_p - log_q)).sum(-1).mean().item<double>(), 1e-9);
  const auto loss = -log_q.gather(2, batches[0].ids.slice(1, 1).unsqueeze(2));
  EXPECT_NEAR(perplexity.result().mean_loss, loss.mean().item<double>(), 1e-5);
}

TEST_F(CompareTest, ATextMayHaveAPrefixAlready) {
  const TokenBatches prefixed = {with_prefix(batches[0], {7, 7})};
  const auto results = compare_interventions(model, prefixed, {scaled});
  EXPECT_EQ(results[0].next_key, 2);
  EXPECT_EQ(results[1].divergence.count, 2 * 11);
  EXPECT_GT(results[1].divergence.mean, 0);
}

TEST_F(CompareTest, LossesByPositionAndSequence) {
  Perplexity perplexity;
  run(model, {batches[0]}, {&perplexity});
  const auto ids = batches[0].ids;
  const auto loss = -at::log_softmax(model->forward(ids).slice(1, 0, -1), -1)
                         .gather(2, ids.slice(1, 1).unsqueeze(2))
                         .squeeze(2);  // [B, T - 1]
  const auto result = perplexity.result();
  ASSERT_EQ(result.by_position.size(), 12u);
  EXPECT_EQ(result.by_position[0].count, 0);
  for (int64_t position = 1; position < 12; ++position)
    EXPECT_NEAR(result.by_position[position].mean,
                loss.select(1, position - 1).mean().item<double>(), 1e-5);
  for (int64_t row = 0; row < 2; ++row)
    EXPECT_NEAR(result.sequences[row].loss, loss[row].sum().item<double>(), 1e-4);
}

// For many sequences of equal length the percentiles are near mean +- 1.96 standard errors.
TEST(BootstrapTest, TheIntervalIsThatOfTheNormalDistribution) {
  PerplexityResult result;
  torch::manual_seed(3);
  const auto losses = 3 + 0.5 * torch::randn({400}, torch::kDouble);
  for (int64_t i = 0; i < 400; ++i) result.sequences.push_back({10 * losses[i].item<double>(), 10});
  result.tokens = 4000;
  const double mean = losses.mean().item<double>();
  const double error = losses.std().item<double>() / 20;
  // A percentile of 40000 draws has a standard error of 0.013 of `error`: the bound is seven.
  const auto [low, high] = result.interval(1, 40000);
  EXPECT_NEAR(std::log(low), mean - 1.96 * error, 0.1 * error);
  EXPECT_NEAR(std::log(high), mean + 1.96 * error, 0.1 * error);
  EXPECT_EQ(result.interval(1), result.interval(1));
  EXPECT_NE(result.interval(1), result.interval(2));
  EXPECT_TRUE(std::isnan(PerplexityResult{}.interval().first));
}

}  // namespace
}  // namespace spikesink
