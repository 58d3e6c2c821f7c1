#include "spikesink/measure/sinks/sink_head_agreement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "message_of.h"
#include "spikesink/measure/sinks/sinks_anywhere.h"
#include "spikesink/model/load_model.h"

namespace spikesink {
namespace {

TEST(SinkHeadAgreementTest, AgreementCountsHeads) {
  AttentionSinksResult measured{0.3};
  SinkGeometryResult geometry;
  for (int64_t head = 0; head < 4; ++head) {
    measured.heads.push_back({0, head, 0, head < 2 ? 0.9 : 0.1});
    HeadGeometry entry{0, head};
    entry.sinks.squared_distance = head == 1 ? 9 : 1;
    entry.others.squared_distance = 5;
    entry.sinks.cosine = head == 0 ? 0.5 : -0.5;
    geometry.heads.push_back(entry);
  }
  const auto euclidean = sink_head_agreement(geometry, measured);  // names heads 0, 2, 3
  EXPECT_EQ(euclidean.heads, 4);
  EXPECT_EQ(euclidean.named, 3);
  EXPECT_EQ(euclidean.measured, 2);
  EXPECT_NEAR(euclidean.precision(), 1.0 / 3, 1e-12);
  EXPECT_EQ(euclidean.recall(), 0.5);
  const auto cosine = sink_head_agreement(geometry, measured, QkDistance::kCosine);  // names head 0
  EXPECT_EQ(cosine.precision(), 1);
  EXPECT_EQ(cosine.recall(), 0.5);
  EXPECT_EQ(cosine.base_rate(), 0.5);
  EXPECT_EQ(euclidean.area_by_margin, 0.25) << "margins 4, -4 against 4, 4";
  EXPECT_EQ(cosine.area_by_margin, 0.75) << "1 against two, ties with two";
  EXPECT_EQ(euclidean.area_by_logit_gap, 0.5) << "all are 0";
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] {
                         sink_head_agreement(geometry, measured, QkDistance::kCosine, {7});
                       }),
                       "got 4 heads in the geometry and 0 heads in the attention sinks of keys"));
}

TEST(SinkHeadAgreementTest, AHeadMayHaveItsSinkAtEitherEnd) {
  AttentionSinksResult measured{0.3};
  SinkGeometryResult geometry;
  for (int64_t head = 0; head < 3; ++head) {
    measured.heads.push_back({0, head, 0, head == 0 ? 0.95 : 0.1});
    measured.heads.push_back({0, head, -1, head == 1 ? 0.9 : 0.1});
    geometry.heads.push_back({0, head});
  }
  EXPECT_EQ(sink_head_agreement(geometry, measured).measured, 1);
  EXPECT_EQ(sink_head_agreement(geometry, measured, QkDistance::kEuclidean, {0, -1}).measured, 2);
}

double middle_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

// What a real model shows.
TEST(Smollm2GeometryTest, GeometryNamesTheSinkHeads) {
  if (!std::filesystem::exists(SPIKESINK_SMOLLM2))
    GTEST_SKIP() << "scripts/setup has not put the model into .deps";
  nlohmann::json golden;
  std::ifstream(std::string(SPIKESINK_GOLDENS) + "/smollm2.json") >> golden;
  auto sequences = golden["tokens"].get<std::vector<std::vector<int64_t>>>();
  sequences.resize(8);
  auto model = load_model(SPIKESINK_SMOLLM2);
  AttentionSinks sinks;
  SinksAnywhere anywhere;
  SinkGeometry geometry, unturned({.before_rope = true});
  run(model, token_batches(sequences), {&sinks, &anywhere, &geometry, &unturned});
  const auto measured = sinks.result();
  ASSERT_FALSE(anywhere.result().positions.empty());
  EXPECT_EQ(anywhere.result().positions.front().position, 0);
  EXPECT_EQ(anywhere.result().token_positions.front().position, 0);
  const auto euclidean = sink_head_agreement(geometry.result(), measured),
             cosine = sink_head_agreement(geometry.result(), measured, QkDistance::kCosine);
  for (const auto& agreement : {euclidean, cosine}) {
    EXPECT_EQ(agreement.heads, model->config().n_layers * model->config().n_heads);
    EXPECT_EQ(agreement.measured, static_cast<int64_t>(measured.sink_heads().size()));
    EXPECT_GT(agreement.recall(), 0.98);
    EXPECT_GT(agreement.precision(), agreement.base_rate() + 0.02);
    EXPECT_LT(agreement.precision(), 0.9) << "the sign alone names too many";
    EXPECT_GT(agreement.area_by_margin, 0.8);
    EXPECT_GT(agreement.area_by_logit_gap, 0.9);
  }
  EXPECT_GT(cosine.area_by_margin, euclidean.area_by_margin) << "norms blur the order";
  EXPECT_GT(sink_head_agreement(unturned.result(), measured).recall(), 0.98);
  std::map<std::pair<int64_t, int64_t>, HeadGeometry> heads;
  for (const auto& head : geometry.result().heads) heads[{head.layer, head.head}] = head;
  std::vector<double> ranks, other_ranks, drains, gaps;
  for (const auto& sink_head : measured.sink_heads()) {
    const auto& head = heads[{sink_head.layer, sink_head.head}];
    ranks.push_back(head.sinks.effective_rank);
    other_ranks.push_back(head.others.effective_rank);
    drains.push_back(head.value_drain());
    gaps.push_back(head.logit_gap);
  }
  EXPECT_LT(middle_of(ranks), 1.1) << "sink keys lie in one direction";
  EXPECT_GT(middle_of(other_ranks), 3);
  EXPECT_LT(middle_of(drains), 0.4) << "and carry little value";
  EXPECT_GT(middle_of(gaps), 3);
}

}  // namespace
}  // namespace spikesink
