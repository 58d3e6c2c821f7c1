// Against sums over all pairs of queries and keys.

#include "spikesink/measure/sinks/sink_geometry.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "measure/sinks/qk_batches.h"
#include "message_of.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

using namespace hook_names;

/// One token's vectors in one head.
struct HeadToken {
  int64_t sequence, position;
  torch::Tensor q, k, v;  // [d_head] float64
};

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

class SinkGeometryTest : public testing::TestWithParam<AttentionModel> {
 protected:
  torch::NoGradGuard no_grad;
  Transformer model = random_model(GetParam().config, torch::kDouble);
  TokenBatches batches = batches_of_lengths({9, 1, 12});

  std::vector<HeadToken> tokens_of(const HeadGeometry& head, bool before_rope = false) {
    const auto q_point = layer_hook_name(head.layer, before_rope ? kQ : kRotQ);
    const auto k_point = layer_hook_name(head.layer, before_rope ? kK : kRotK);
    const auto v_point = layer_hook_name(head.layer, kV);
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
    const auto rule = model->layers[layer]->attn->attention_params({});
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

TEST_P(SinkGeometryTest, SumsAreThoseOverAllPairs) {
  SinkGeometry geometry({.sinks = kSinks});
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

TEST_P(SinkGeometryTest, BeforeRotation) {
  SinkGeometry geometry({.sinks = kSinks, .before_rope = true});
  run(model, batches, {&geometry});
  const auto head = geometry.result().heads.back();
  const auto tokens = tokens_of(head, /*before_rope=*/true);
  expect_keys(tokens, true, head.sinks);
  expect_keys(tokens, false, head.others);
}

TEST_P(SinkGeometryTest, TwoPassesMerged) {
  for (const auto dtype : {torch::kFloat, torch::kDouble, torch::kBFloat16}) {
    auto typed = random_model(GetParam().config, dtype);
    SinkGeometry once({.sinks = kSinks}), first({.sinks = kSinks}), second({.sinks = kSinks});
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

INSTANTIATE_TEST_SUITE_P(Models, SinkGeometryTest, testing::ValuesIn(attention_models()),
                         [](const auto& info) { return std::string(info.param.name); });

struct QkGeometryOptionsTest : QkBatches {};

TEST_F(QkGeometryOptionsTest, NoSinksAreAnEmptyResult) {
  SinkGeometry none({.sinks = {.positions = {}}}), beyond({.sinks = {.positions = {50}}}), only;
  EXPECT_TRUE(none.result().heads.empty()) << "before any run";
  run(model, batches, {&none, &beyond});
  EXPECT_TRUE(none.result().heads.empty());
  EXPECT_TRUE(beyond.result().heads.empty());
  EXPECT_EQ(beyond.result().other_keys, 44);
  run(model, {batches[1]}, {&only});
  EXPECT_TRUE(only.result().heads.empty()) << "nothing but sinks";
}

TEST_F(QkGeometryOptionsTest, TheLastTokenMayBeTheSink) {
  SinkGeometry last({.sinks = {.positions = {-1}}}),
      places({.sinks = {.positions = {},
                        .token_positions = {{0, 8}, {1, 8}, {2, 0}, {3, 0}, {4, 11}, {5, 11}}}});
  run(model, batches, {&last, &places});
  EXPECT_EQ(last.result().sink_keys, 6);
  EXPECT_EQ(last.result().heads[3].sinks.squared_distance,
            places.result().heads[3].sinks.squared_distance);
  EXPECT_TRUE(std::isnan(last.result().heads[3].logit_gap)) << "no later query sees it";
}

TEST_F(QkGeometryOptionsTest, InvalidArgumentsAreRefused) {
  SinkGeometry wrong({.sinks = {.positions = {-2}}}), one, deeper;
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { run(model, batches, {&wrong}); }),
                       "got -2"));
  auto config = tiny_config();
  config.n_layers = 3;
  auto deep = random_model(config);
  run(model, batches, {&one});
  run(deep, batches, {&deeper});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { one.merge(deeper); }),
                       "[3, 4, 2, 8], expected [2, 4, 2, 8]"));
}

}  // namespace
}  // namespace spikesink
