// The measurements on a real model against what transformers says (scripts/goldens/smollm2.py).

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "spikesink/measure/attention_sinks.h"
#include "spikesink/measure/life_cycle.h"
#include "spikesink/measure/massive_activations.h"
#include "spikesink/measure/perplexity.h"
#include "spikesink/model/load_model.h"

namespace spikesink {
namespace {

nlohmann::json golden;
LifeCycle life_cycle;
MassiveActivations massive;
AttentionSinks sinks;
Perplexity perplexity;

class Smollm2Test : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!std::filesystem::exists(SPIKESINK_SMOLLM2)) return;
    std::ifstream(std::string(SPIKESINK_GOLDENS) + "/smollm2.json") >> golden;
    auto model = load_model(SPIKESINK_SMOLLM2);
    const auto batches = token_batches(golden["tokens"].get<std::vector<std::vector<int64_t>>>());
    run(model, batches, {&life_cycle, &massive, &sinks, &perplexity});
  }
  void SetUp() override {
    if (golden.is_null()) GTEST_SKIP() << "scripts/setup has not put the model into .deps";
  }

  static void expect_same(const StateSummary& got, const nlohmann::json& expected) {
    EXPECT_NEAR(got.median / expected["median"].get<double>(), 1.0, 0.005);
    EXPECT_EQ(got.not_finite, 0);
    ASSERT_EQ(got.top.size(), expected["top"].size());
    for (size_t rank = 0; rank < got.top.size(); ++rank) {
      const auto& peak = expected["top"][rank];
      EXPECT_EQ(got.top[rank].channel, peak["channel"].get<int64_t>());
      EXPECT_EQ(got.top[rank].sequence, peak["sequence"].get<int64_t>());
      EXPECT_EQ(got.top[rank].position, peak["position"].get<int64_t>());
      EXPECT_NEAR(got.top[rank].magnitude / peak["magnitude"].get<double>(), 1.0, 1e-3);
    }
  }
};

TEST_F(Smollm2Test, StatesAndOutputsOfEveryBlock) {
  const auto result = life_cycle.result();
  ASSERT_EQ(result.blocks.size(), golden["blocks"].size());
  for (size_t b = 0; b < result.blocks.size(); ++b) {
    SCOPED_TRACE("block " + std::to_string(b + 1));
    EXPECT_EQ(result.blocks[b].block.number, static_cast<int64_t>(b) + 1);
    expect_same(result.blocks[b].hidden_state, golden["blocks"][b]["hidden_state"]);
    expect_same(result.blocks[b].output, golden["blocks"][b]["output"]);
  }
}

TEST_F(Smollm2Test, TwoRisesAndTwoFallsOfTheSpike) {
  const auto result = life_cycle.result();
  ASSERT_FALSE(result.spike_channels.empty());
  EXPECT_EQ(result.spike_channels.front(), 507);
  EXPECT_EQ(result.step_up, (std::vector<int64_t>{4, 6, 24}));
  EXPECT_EQ(result.step_down, (std::vector<int64_t>{20, 22, 58, 60}));
}

TEST_F(Smollm2Test, MassiveActivationsOfEveryBlock) {
  std::map<int64_t, std::map<int64_t, RunningMean>> got;
  for (const auto& block : massive.result().blocks) {
    for (const auto& channel : block.channels)
      got[block.block.number][channel.channel] = channel.all;
  }
  for (const auto& block : golden["blocks"]) {
    SCOPED_TRACE("block " + block["block"].dump());
    const auto& channels = got[block["block"]];
    ASSERT_EQ(channels.size(), block["massive"].size());
    for (const auto& expected : block["massive"]) {
      const auto& values = channels.at(expected["channel"]);
      EXPECT_EQ(values.count, expected["count"].get<int64_t>());
      EXPECT_NEAR(values.mean / expected["mean"].get<double>(), 1.0, 1e-3);
    }
  }
}

TEST_F(Smollm2Test, ImportanceOfEveryHead) {
  const auto result = sinks.result();
  ASSERT_EQ(result.heads.size(), golden["importance"].size() * golden["importance"][0].size());
  for (const auto& head : result.heads) {
    EXPECT_NEAR(head.importance, golden["importance"][head.layer][head.head].get<double>(), 1e-4)
        << "layer " << head.layer << " head " << head.head;
  }
  EXPECT_NEAR(result.sink_ratio(SinkDefinition::kGu), golden["gu_percent"].get<double>(), 0.2);
}

TEST_F(Smollm2Test, MeanLoss) {
  EXPECT_NEAR(perplexity.result().mean_loss, golden["mean_loss"].get<double>(), 1e-4);
  EXPECT_EQ(perplexity.result().tokens, 32 * 63);
}

}  // namespace
}  // namespace spikesink
