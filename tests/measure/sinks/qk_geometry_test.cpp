// Where queries and keys lie, against loops over tokens.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <set>

#include "measure/attention_models.h"
#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/measure/sinks/head_pictures.h"
#include "spikesink/measure/sinks/qk_geometry.h"
#include "spikesink/measure/sinks/qk_sample.h"
#include "spikesink/measure/sinks/sink_head_agreement.h"
#include "spikesink/measure/sinks/sinks_anywhere.h"
#include "spikesink/model/load_model.h"

namespace spikesink {
namespace {

using namespace hook_names;

/// Position 0 of all sequences, and two places more; the second lies beyond its sequence's end.
const SinkKeys kSinks{.positions = {0}, .places = {{1, 4}, {2, 90}}};

bool is_sink(int64_t sequence, int64_t position) {
  return position == 0 || (sequence == 1 && position == 4);
}

/// One token's vectors in one head.
struct HeadToken {
  int64_t sequence, position;
  torch::Tensor q, k, v;  // [d_head] float64
};

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

class QkGeometryTest : public testing::TestWithParam<AttentionModel> {
 protected:
  torch::NoGradGuard no_grad;
  Transformer model = random_model(GetParam().config, torch::kDouble);
  TokenBatches batches = batches_of_lengths({9, 1, 12});

  std::vector<HeadToken> tokens_of(const HeadGeometry& head, bool before_rotation = false) {
    const auto q_point = in_block(head.layer, before_rotation ? kQ : kRotQ);
    const auto k_point = in_block(head.layer, before_rotation ? kK : kRotK);
    const auto v_point = in_block(head.layer, kV);
    std::vector<HeadToken> tokens;
    for (const auto& batch : batches) {
      const auto cache = run_with_cache(model, batch.ids, {q_point, k_point, v_point});
      for (int64_t row = 0; row < batch.ids.size(0); ++row) {
        for (int64_t position = 0; position < batch.ids.size(1); ++position)
          tokens.push_back({batch.first_sequence + row, position,
                            cache[q_point][row][position][head.head],
                            cache[k_point][row][position][head.key_head],
                            cache[v_point][row][position][head.key_head]});
      }
    }
    return tokens;
  }

  void expect_keys(const std::vector<HeadToken>& tokens, bool of_sinks, const KeyGeometry& got) {
    std::vector<double> norms, value_norms, distances, cosines;
    std::vector<torch::Tensor> queries, keys;
    for (const auto& query : tokens) {
      if (!is_sink(query.sequence, query.position)) queries.push_back(query.q);
    }
    const auto q = at::stack(queries);
    for (const auto& key : tokens) {
      if (is_sink(key.sequence, key.position) != of_sinks) continue;
      keys.push_back(key.k);
      norms.push_back(key.k.norm().item<double>());
      value_norms.push_back(key.v.norm().item<double>());
      distances.push_back((q - key.k).square().sum(1).mean().item<double>());
      cosines.push_back(at::cosine_similarity(q, key.k.unsqueeze(0), 1).mean().item<double>());
    }
    EXPECT_NEAR(got.norm, mean(norms), 1e-9);
    EXPECT_NEAR(got.value_norm, mean(value_norms), 1e-9);
    EXPECT_NEAR(got.squared_distance, mean(distances), 1e-9);
    EXPECT_NEAR(got.cosine, mean(cosines), 1e-9);
    const auto singular = at::linalg_svdvals(at::stack(keys)).square();
    const auto shares = singular / singular.sum();
    EXPECT_NEAR(got.effective_rank, (-(shares * shares.log()).sum()).exp().item<double>(), 1e-6);
    EXPECT_NEAR(got.first_direction, shares[0].item<double>(), 1e-9);
    EXPECT_NEAR(got.first_two_directions, (shares[0] + shares[1]).item<double>(), 1e-9);
  }

  // What a query sees, from the pattern's zeros.
  double logit_gap(const std::vector<HeadToken>& tokens, int64_t layer) {
    const auto rule = model->layers[layer]->attn->score_rule({});
    std::vector<double> gaps;
    for (const auto& query : tokens) {
      if (is_sink(query.sequence, query.position)) continue;
      std::vector<double> sinks, others;
      for (const auto& key : tokens) {
        const int64_t back = query.position - key.position;
        const bool sees = !rule.causal || (back >= 0 && (rule.window == 0 || back < rule.window));
        if (key.sequence != query.sequence || !sees) continue;
        (is_sink(key.sequence, key.position) ? sinks : others)
            .push_back(rule.scale * query.q.dot(key.k).item<double>());
      }
      if (!sinks.empty()) gaps.push_back(mean(sinks) - mean(others));
    }
    return mean(gaps);
  }
};

TEST_P(QkGeometryTest, SumsAreThoseOverAllPairs) {
  QkGeometry geometry({.sinks = kSinks});
  run(model, batches, {&geometry});
  const auto result = geometry.result();
  EXPECT_EQ(result.sink_keys, 7);
  EXPECT_EQ(result.other_keys, 2 * (9 + 1 + 12) - 7);
  ASSERT_EQ(result.heads.size(), 8u);
  const auto& config = model->config();
  for (const auto& head : result.heads) {
    SCOPED_TRACE("layer " + std::to_string(head.layer) + " head " + std::to_string(head.head));
    EXPECT_EQ(head.key_head, head.head * config.n_key_value_heads / config.n_heads);
    const auto tokens = tokens_of(head);
    expect_keys(tokens, true, head.sinks);
    expect_keys(tokens, false, head.others);
    EXPECT_NEAR(head.logit_gap, logit_gap(tokens, head.layer), 1e-9);
    EXPECT_NEAR(head.value_drain(), head.sinks.value_norm / head.others.value_norm, 1e-12);
  }
}

TEST_P(QkGeometryTest, BeforeRotation) {
  QkGeometry geometry({.sinks = kSinks, .before_rotation = true});
  run(model, batches, {&geometry});
  const auto head = geometry.result().heads.back();
  const auto tokens = tokens_of(head, /*before_rotation=*/true);
  expect_keys(tokens, true, head.sinks);
  expect_keys(tokens, false, head.others);
}

TEST_P(QkGeometryTest, TwoPassesMerged) {
  for (const auto dtype : {torch::kFloat, torch::kDouble, torch::kBFloat16}) {
    auto typed = random_model(GetParam().config, dtype);
    QkGeometry once({.sinks = kSinks}), first({.sinks = kSinks}), second({.sinks = kSinks});
    run(typed, batches, {&once});
    run(typed, {batches[0]}, {&first});
    run(typed, {batches[1], batches[2]}, {&second});
    first.merge(second);
    const auto a = once.result(), b = first.result();
    EXPECT_EQ(a.sink_keys, b.sink_keys);
    EXPECT_EQ(a.other_keys, b.other_keys);
    ASSERT_EQ(a.heads.size(), b.heads.size());
    for (size_t index = 0; index < a.heads.size(); ++index) {
      const auto &one = a.heads[index], &other = b.heads[index];
      EXPECT_NEAR(one.logit_gap, other.logit_gap, 1e-9);
      EXPECT_NEAR(one.sinks.squared_distance, other.sinks.squared_distance, 1e-9);
      EXPECT_NEAR(one.others.cosine, other.others.cosine, 1e-9);
      EXPECT_NEAR(one.sinks.effective_rank, other.sinks.effective_rank, 1e-6);
      EXPECT_NEAR(one.others.value_norm, other.others.value_norm, 1e-9);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, QkGeometryTest, testing::ValuesIn(attention_models()),
                         [](const auto& info) { return std::string(info.param.name); });

struct QkTest : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model();
  TokenBatches batches = batches_of_lengths({9, 1, 12});
};

TEST_F(QkTest, NoSinksAreAnEmptyResult) {
  QkGeometry none({.sinks = {.positions = {}}}), beyond({.sinks = {.positions = {50}}}), only;
  EXPECT_TRUE(none.result().heads.empty()) << "before any run";
  run(model, batches, {&none, &beyond});
  EXPECT_TRUE(none.result().heads.empty());
  EXPECT_TRUE(beyond.result().heads.empty());
  EXPECT_EQ(beyond.result().other_keys, 44);
  run(model, {batches[1]}, {&only});
  EXPECT_TRUE(only.result().heads.empty()) << "nothing but sinks";
}

TEST_F(QkTest, TheLastTokenMayBeTheSink) {
  QkGeometry last({.sinks = {.positions = {-1}}}),
      places({.sinks = {.positions = {},
                        .places = {{0, 8}, {1, 8}, {2, 0}, {3, 0}, {4, 11}, {5, 11}}}});
  run(model, batches, {&last, &places});
  EXPECT_EQ(last.result().sink_keys, 6);
  EXPECT_EQ(last.result().heads[3].sinks.squared_distance,
            places.result().heads[3].sinks.squared_distance);
  EXPECT_TRUE(std::isnan(last.result().heads[3].logit_gap)) << "no later query sees it";
}

TEST_F(QkTest, AgreementCountsHeads) {
  AttentionSinksResult measured{0.3};
  QkGeometryResult geometry;
  for (int64_t head = 0; head < 4; ++head) {
    measured.heads.push_back({0, head, 0, head < 2 ? 0.9 : 0.1});
    HeadGeometry entry{0, head};
    entry.sinks.squared_distance = head == 1 ? 9 : 1;
    entry.others.squared_distance = 5;
    entry.sinks.cosine = head == 0 ? 0.5 : -0.5;
    geometry.heads.push_back(entry);
  }
  const auto euclidean = compare(geometry, measured);  // names heads 0, 2, 3
  EXPECT_EQ(euclidean.heads, 4);
  EXPECT_EQ(euclidean.named, 3);
  EXPECT_EQ(euclidean.measured, 2);
  EXPECT_NEAR(euclidean.precision(), 1.0 / 3, 1e-12);
  EXPECT_EQ(euclidean.recall(), 0.5);
  const auto cosine = compare(geometry, measured, QkDistance::kCosine);  // names head 0
  EXPECT_EQ(cosine.precision(), 1);
  EXPECT_EQ(cosine.recall(), 0.5);
  EXPECT_EQ(cosine.base_rate(), 0.5);
  EXPECT_EQ(euclidean.area_by_margin, 0.25) << "margins 4, -4 against 4, 4";
  EXPECT_EQ(cosine.area_by_margin, 0.75) << "1 against two, ties with two";
  EXPECT_EQ(euclidean.area_by_logit_gap, 0.5) << "all are 0";
  EXPECT_TRUE(holds(message_of<std::invalid_argument>(
                        [&] { compare(geometry, measured, QkDistance::kCosine, {7}); }),
                    "4 heads by geometry and 0"));
}

TEST_F(QkTest, AHeadMayHaveItsSinkAtEitherEnd) {
  AttentionSinksResult measured{0.3};
  QkGeometryResult geometry;
  for (int64_t head = 0; head < 3; ++head) {
    measured.heads.push_back({0, head, 0, head == 0 ? 0.95 : 0.1});
    measured.heads.push_back({0, head, -1, head == 1 ? 0.9 : 0.1});
    geometry.heads.push_back({0, head});
  }
  EXPECT_EQ(compare(geometry, measured).measured, 1);
  EXPECT_EQ(compare(geometry, measured, QkDistance::kEuclidean, {0, -1}).measured, 2);
  const auto pictures = head_pictures(model, {batches[0]}, measured, {.positions = {0, -1}});
  ASSERT_EQ(pictures.size(), 2u);
  EXPECT_EQ(pictures[0].sample.head, 0);
  EXPECT_EQ(pictures[1].sample.head, 2) << "the control has no sink at either end";
}

TEST_F(QkTest, RefusesWhatCannotBe) {
  QkGeometry wrong({.sinks = {.positions = {-2}}}), one, deeper;
  EXPECT_TRUE(
      holds(message_of<std::invalid_argument>([&] { run(model, batches, {&wrong}); }), "got -2"));
  auto config = tiny_config();
  config.n_layers = 3;
  auto deep = random_model(config);
  run(model, batches, {&one});
  run(deep, batches, {&deeper});
  EXPECT_TRUE(holds(message_of<std::invalid_argument>([&] { one.merge(deeper); }),
                    "[3, 4, 2, 8], expected [2, 4, 2, 8]"));
  QkSample no_head({.heads = {{0, 4}}});
  EXPECT_TRUE(holds(message_of<std::invalid_argument>([&] { run(model, batches, {&no_head}); }),
                    "head 4 of layer 0"));
}

TEST_F(QkTest, TheSampleIsOfTheTextsVectors) {
  QkSample sample({.heads = {{1, 3}, {0, 0}}, .sinks = kSinks, .most = 6});
  run(model, batches, {&sample});
  const auto result = sample.result();
  ASSERT_EQ(result.size(), 2u);
  EXPECT_EQ(result[0].queries.size(), 6u);
  EXPECT_EQ(result[0].other_keys.size(), 6u);
  EXPECT_EQ(result[0].sink_keys.size(), 6u);
  EXPECT_EQ(result[0].points().sizes(), (std::vector<int64_t>{18, 8}));
  for (const auto& batch : batches) {
    const auto cache = run_with_cache(model, batch.ids, {"blocks.1.attn.hook_rot_*"});
    const auto expect = [&](const std::vector<QkVector>& list, const torch::Tensor& all,
                            bool sink) {
      for (const auto& vector : list) {
        EXPECT_EQ(is_sink(vector.place.sequence, vector.place.position), sink);
        const int64_t row = vector.place.sequence - batch.first_sequence;
        if (row < 0 || row >= batch.ids.size(0)) continue;
        EXPECT_EQ(vector.id, batch.ids[row][vector.place.position].item<int64_t>());
        EXPECT_TRUE(torch::tensor(vector.values).allclose(all[row][vector.place.position]));
      }
    };
    expect(result[0].queries, cache["blocks.1.attn.hook_rot_q"].select(2, 3), false);
    expect(result[0].other_keys, cache["blocks.1.attn.hook_rot_k"].select(2, 1), false);
    expect(result[0].sink_keys, cache["blocks.1.attn.hook_rot_k"].select(2, 1), true);
  }
}

TEST_F(QkTest, SamplesMergeWhateverTheOrder) {
  const QkSampleOptions options{.heads = {{1, 3}}, .most = 5};
  QkSample once(options), first(options), second(options);
  run(model, batches, {&once});
  run(model, {batches[2]}, {&first});
  run(model, {batches[0], batches[1]}, {&second});
  first.merge(second);
  const auto sample = once.result()[0];
  EXPECT_TRUE(sample.points().equal(first.result()[0].points()));
  std::set<int64_t> sequences;
  for (const auto& query : sample.queries) sequences.insert(query.place.sequence);
  EXPECT_GT(sequences.size(), 1u) << "the hash spreads";
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
  QkGeometry geometry, unturned({.before_rotation = true});
  run(model, token_batches(sequences), {&sinks, &anywhere, &geometry, &unturned});
  const auto measured = sinks.result();
  ASSERT_FALSE(anywhere.result().positions.empty());
  EXPECT_EQ(anywhere.result().positions.front().position, 0);
  EXPECT_EQ(anywhere.result().places.front().position, 0);
  const auto euclidean = compare(geometry.result(), measured),
             cosine = compare(geometry.result(), measured, QkDistance::kCosine);
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
  EXPECT_GT(compare(unturned.result(), measured).recall(), 0.98);
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
  EXPECT_LT(median(ranks), 1.1) << "sink keys lie in one direction";
  EXPECT_GT(median(other_ranks), 3);
  EXPECT_LT(median(drains), 0.4) << "and carry little value";
  EXPECT_GT(median(gaps), 3);
}

}  // namespace
}  // namespace spikesink
