// The measurements on real models against what transformers says (scripts/goldens/smollm2.py,
// gemma3_270m.py and minilm.py).

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <fstream>

#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/model/load_model.h"

namespace spikesink {
namespace {

using nlohmann::json;

struct RealModel {
  const char* name;
  const char* path;    // where scripts/setup puts it
  const char* golden;  // file of tests/goldens
  const char* part;    // of that file; "": all of it
  int64_t borderline;  // massive values a channel may have more or less: some are at the threshold
};

void PrintTo(const RealModel& model, std::ostream* out) {
  *out << model.name;
}

/// What one pass measured, and what transformers says.
struct Measured {
  json golden;
  LifeCycleResult life_cycle;
  MassiveActivationsResult massive;
  AttentionSinksResult sinks;
  PerplexityResult perplexity;
};

std::unique_ptr<Measured> measure(const RealModel& real) {
  if (!std::filesystem::exists(real.path)) return nullptr;
  auto result = std::make_unique<Measured>();
  std::ifstream(std::string(SPIKESINK_GOLDENS) + "/" + real.golden) >> result->golden;
  if (*real.part) result->golden = json(result->golden[real.part]);
  auto model = load_model(real.path);
  const auto batches =
      token_batches(result->golden["tokens"].get<std::vector<std::vector<int64_t>>>());
  LifeCycle life_cycle;
  MassiveActivations massive;
  AttentionSinks sinks({.keys = {0, -1}});
  Perplexity perplexity;
  std::vector<Measurement*> all = {&life_cycle, &massive, &sinks};
  if (model->config().is_causal_lm()) all.push_back(&perplexity);
  run(model, batches, all);
  result->life_cycle = life_cycle.result();
  result->massive = massive.result();
  result->sinks = sinks.result();
  result->perplexity = perplexity.result();
  return result;
}

class RealModelsTest : public testing::TestWithParam<RealModel> {
 protected:
  void SetUp() override {
    static std::map<std::string, std::unique_ptr<Measured>> kept;  // one pass a model
    const auto [place, is_new] = kept.try_emplace(GetParam().name);
    if (is_new) place->second = measure(GetParam());
    measured = place->second.get();
    if (!measured) GTEST_SKIP() << "scripts/setup has not put the model into .deps";
  }

  static void expect_same(const StateSummary& got, const nlohmann::json& expected) {
    EXPECT_NEAR(got.median / expected["median"].get<double>(), 1.0, 0.005);
    EXPECT_EQ(got.not_finite, 0);
    ASSERT_EQ(got.top.size(), expected["top"].size());
    for (size_t rank = 0; rank < got.top.size(); ++rank) {
      const auto& peak = expected["top"][rank];
      EXPECT_EQ(got.top[rank].channel, peak["channel"].get<int64_t>());
      const bool same_place = got.top[rank].sequence == peak["sequence"].get<int64_t>() &&
                              got.top[rank].position == peak["position"].get<int64_t>();
      // Elsewhere the same maximum can only be a tie, which rounding decides.
      EXPECT_NEAR(got.top[rank].magnitude / peak["magnitude"].get<double>(), 1.0,
                  same_place ? 1e-3 : 2e-6);
    }
  }

  void expect_importance(const char* field, int64_t key) const {
    const auto& expected = measured->golden[field];
    for (const auto& head : measured->sinks.heads) {
      if (head.key != key) continue;
      EXPECT_NEAR(head.importance, expected[head.layer][head.head].get<double>(), 1e-4)
          << "layer " << head.layer << " head " << head.head;
    }
  }

  Measured* measured = nullptr;
};

TEST_P(RealModelsTest, StatesAndOutputsOfEveryBlock) {
  const auto& blocks = measured->life_cycle.blocks;
  ASSERT_EQ(blocks.size(), measured->golden["blocks"].size());
  for (size_t b = 0; b < blocks.size(); ++b) {
    SCOPED_TRACE("block " + std::to_string(b + 1));
    EXPECT_EQ(blocks[b].block.number, static_cast<int64_t>(b) + 1);
    expect_same(blocks[b].hidden_state, measured->golden["blocks"][b]["hidden_state"]);
    expect_same(blocks[b].output, measured->golden["blocks"][b]["output"]);
  }
}

TEST_P(RealModelsTest, MassiveActivationsOfEveryBlock) {
  std::map<int64_t, std::map<int64_t, RunningMean>> got;
  for (const auto& block : measured->massive.blocks) {
    for (const auto& channel : block.channels)
      got[block.block.number][channel.channel] = channel.all;
  }
  const int64_t borderline = GetParam().borderline;
  for (const auto& block : measured->golden["blocks"]) {
    SCOPED_TRACE("block " + block["block"].dump());
    auto& channels = got[block["block"]];
    for (const auto& expected : block["massive"]) {
      const auto count = expected["count"].get<int64_t>();
      const auto& values = channels[expected["channel"]];
      EXPECT_LE(std::abs(values.count - count), borderline) << expected["channel"];
      if (values.count == count) {
        EXPECT_NEAR(values.mean / expected["mean"].get<double>(), 1.0, 1e-3);
      }
      channels.erase(expected["channel"]);
    }
    for (const auto& [channel, values] : channels) EXPECT_LE(values.count, borderline) << channel;
  }
}

TEST_P(RealModelsTest, ImportanceOfEveryHead) {
  const auto& golden = measured->golden;
  const auto& sinks = measured->sinks;
  ASSERT_EQ(sinks.heads.size(), 2 * golden["importance"].size() * golden["importance"][0].size());
  expect_importance("importance", 0);
  EXPECT_NEAR(sinks.sink_ratio_percent(SinkDefinition::kGu), golden["gu_percent"].get<double>(),
              0.2);
  if (!golden.contains("importance_of_last")) return;
  expect_importance("importance_of_last", -1);
  EXPECT_NEAR(sinks.sink_ratio_percent(SinkDefinition::kGu, -1),
              golden["gu_percent_of_last"].get<double>(), 0.2);
}

TEST_P(RealModelsTest, MeanLoss) {
  if (!measured->golden.contains("mean_loss")) GTEST_SKIP() << "it does not predict the next token";
  EXPECT_NEAR(measured->perplexity.mean_loss, measured->golden["mean_loss"].get<double>(), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(
    Models, RealModelsTest,
    testing::Values(RealModel{"Smollm2", SPIKESINK_SMOLLM2, "smollm2.json", "", 0},
                    RealModel{"Gemma3WithBos", SPIKESINK_GEMMA3, "gemma3_270m.json", "with_bos", 2},
                    RealModel{"Gemma3WithoutBos", SPIKESINK_GEMMA3, "gemma3_270m.json",
                              "without_bos", 2},
                    RealModel{"MiniLm", SPIKESINK_MINILM, "minilm.json", "", 0}),
    [](const auto& info) { return std::string(info.param.name); });

// What the first of them shows.
TEST(Smollm2Test, TwoRisesAndTwoFallsOfTheSpike) {
  const auto measured = measure({"Smollm2", SPIKESINK_SMOLLM2, "smollm2.json", "", 0});
  if (!measured) GTEST_SKIP() << "scripts/setup has not put the model into .deps";
  const auto& result = measured->life_cycle;
  ASSERT_FALSE(result.spike_channels.empty());
  EXPECT_EQ(result.spike_channels.front(), 507);
  EXPECT_EQ(result.step_up, (std::vector<int64_t>{4, 6, 24}));
  EXPECT_EQ(result.step_down, (std::vector<int64_t>{20, 22, 58, 60}));
  EXPECT_EQ(measured->perplexity.tokens, 32 * 63);
}

}  // namespace
}  // namespace spikesink
