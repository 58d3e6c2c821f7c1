// The cosines of every two spike tokens around a block, against whole tensors.

#include "spikesink/measure/spikes/spike_cosines.h"

#include <torch/torch.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "measure/planted_spikes.h"
#include "measure/spikes/position_hash.h"
#include "message_of.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/measure/spikes/spike_tokens.h"
#include "spikesink/model/load_model.h"

namespace spikesink {
namespace {

// The hook points of a block's three points of the stream.
struct Points {
  std::string before, after, norm;
  int64_t norm_after_block;
};

struct SpikeCosinesTest : PlantedSpikes {
  SpikeCosinesResult measure(Block block, const SpikePositions& spikes,
                             SpikeCosinesOptions options = {}) {
    SpikeCosines cosines(spikes, block, options);
    run(model, batches, {&cosines});
    return cosines.result();
  }
  // The `count` tokens of the mask [B, T] with the smallest hashes, in text order.
  static std::vector<TokenPosition> sampled(const torch::Tensor& mask, size_t count) {
    auto tokens = places_of(mask).positions();
    std::sort(tokens.begin(), tokens.end(),
              [](const auto& a, const auto& b) { return detail::hash_of(a) < detail::hash_of(b); });
    tokens.resize(std::min(count, tokens.size()));
    std::sort(tokens.begin(), tokens.end());
    return tokens;
  }
  static std::vector<TokenPosition> positions(const SpikeCosinesGroup& group) {
    std::vector<TokenPosition> positions;
    for (const auto& token : group.tokens) positions.push_back(token.token);
    return positions;
  }
  void expect_cosines(const PairwiseCosines& got, const std::string& point,
                      const std::vector<TokenPosition>& tokens) {
    SCOPED_TRACE(point);
    const auto whole = all_of(point)[point].to(torch::kDouble);  // [B, T, d]
    const auto vector = [&](size_t token) {
      return whole[tokens[token].sequence][tokens[token].position];
    };
    ASSERT_EQ(got.matrix.size(), tokens.size());
    std::vector<double> pairs;
    for (size_t a = 0; a < tokens.size(); ++a) {
      ASSERT_EQ(got.matrix[a].size(), tokens.size());
      for (size_t b = 0; b < tokens.size(); ++b) {
        const double cosine =
            (vector(a).dot(vector(b)) / vector(a).norm() / vector(b).norm()).item<double>();
        EXPECT_NEAR(got.matrix[a][b], cosine, 1e-12);
        if (a < b) pairs.push_back(cosine);
      }
    }
    const auto quantiles = at::quantile(torch::tensor(pairs, torch::kDouble),
                                        torch::tensor({0.0, 0.05, 0.5, 0.95, 1.0}, torch::kDouble));
    const std::vector<double> of_pairs = {got.minimum, got.percentile_5, got.median,
                                          got.percentile_95, got.maximum};
    for (size_t index = 0; index < of_pairs.size(); ++index)
      EXPECT_NEAR(of_pairs[index], quantiles[index].item<double>(), 1e-12);
  }
  void expect_all(Block block, const Points& points, SpikeCosinesOptions options = {}) {
    SCOPED_TRACE("block " + std::to_string(block.number));
    const auto mask = spike_mask();
    const auto result = measure(block, places_of(mask), options);
    EXPECT_EQ(result.options.max_tokens, options.max_tokens);
    EXPECT_EQ(result.block.number, block.number);
    EXPECT_EQ(result.norm, points.norm);
    EXPECT_EQ(result.norm_after_block, points.norm_after_block);
    const auto spikes = sampled(mask, options.max_tokens);
    ASSERT_GE(spikes.size(), 2u);
    const auto others = sampled(~mask, spikes.size());
    EXPECT_EQ(positions(result.spike), spikes);
    EXPECT_EQ(positions(result.ordinary), others);
    for (const auto& [group, chosen] :
         {std::pair(&result.spike, &spikes), std::pair(&result.ordinary, &others)}) {
      for (const auto& [token, id] : group->tokens)
        EXPECT_EQ(id, tokens[token.sequence][token.position].item<int64_t>());
      expect_cosines(group->before, points.before, *chosen);
      expect_cosines(group->after, points.after, *chosen);
      expect_cosines(group->normalized, points.norm + ".hook_normalized", *chosen);
    }
  }
};

void expect_same(const SpikeCosinesGroup& a, const SpikeCosinesGroup& b, double tolerance) {
  ASSERT_EQ(a.tokens.size(), b.tokens.size());
  for (size_t index = 0; index < a.tokens.size(); ++index) {
    EXPECT_EQ(a.tokens[index].token, b.tokens[index].token);
    EXPECT_EQ(a.tokens[index].id, b.tokens[index].id);
  }
  for (const auto point :
       {&SpikeCosinesGroup::before, &SpikeCosinesGroup::after, &SpikeCosinesGroup::normalized}) {
    ASSERT_EQ((a.*point).matrix.size(), (b.*point).matrix.size());
    for (size_t row = 0; row < (a.*point).matrix.size(); ++row) {
      for (size_t column = 0; column < (a.*point).matrix.size(); ++column)
        EXPECT_NEAR((a.*point).matrix[row][column], (b.*point).matrix[row][column], tolerance);
    }
    EXPECT_NEAR((a.*point).median, (b.*point).median, tolerance);
  }
}

const Points kAroundPlanted{"blocks.0.hook_resid_mid", "blocks.0.hook_resid_post", "blocks.1.ln1",
                            2};

TEST_F(SpikeCosinesTest, EveryTwoSampledTokens) {
  const auto scope = plant();
  expect_all(Block{2}, kAroundPlanted);
  expect_all(Block{2}, kAroundPlanted, {.max_tokens = 5});
  expect_all(Block{2}, kAroundPlanted, {.max_tokens = 2});
}

TEST_F(SpikeCosinesTest, EveryBlock) {
  const auto scope = plant();
  expect_all(Block{1}, {"blocks.0.hook_resid_pre", "blocks.0.hook_resid_mid", "blocks.0.ln2", 1});
  expect_all(Block{3}, {"blocks.0.hook_resid_post", "blocks.1.hook_resid_mid", "blocks.1.ln2", 3});
  expect_all(Block{4}, {"blocks.1.hook_resid_mid", "blocks.1.hook_resid_post", "ln_final", 4});
}

TEST_F(SpikeCosinesTest, FloatAndBFloat16) {
  for (const auto dtype : {torch::kFloat, torch::kBFloat16}) {
    model = random_model(tiny_config(), dtype);
    const auto scope = plant();
    expect_all(Block{2}, kAroundPlanted, {.max_tokens = 8});
  }
}

TEST_F(SpikeCosinesTest, PlantedSpikesBecomeOneVector) {
  const auto scope = plant();
  const auto result = measure(Block{2}, places_of(spike_mask()));
  EXPECT_LT(result.spike.before.percentile_95, 0.9);
  EXPECT_GT(result.spike.after.percentile_5, 0.8);
  EXPECT_LT(result.ordinary.after.median, 0.5);
}

TEST_F(SpikeCosinesTest, EveryPlacementAndResidualForm) {
  const auto expect = [&](const ModelConfig& config, Block block, const Points& points) {
    model = random_model(config, torch::kDouble);
    const auto scope = plant();
    expect_all(block, points, {.max_tokens = 6});
  };
  auto config = tiny_config();
  config.norm_placement = NormPlacement::kSandwich;
  expect(config, Block{2}, kAroundPlanted);
  config.norm_placement = NormPlacement::kOutput;
  expect(config, Block{2}, {"blocks.0.hook_resid_mid", "blocks.0.hook_resid_post", "ln_final", 4});
  config = tiny_config();
  config.residual = ResidualForm::kParallelOwnNorms;
  expect(config, Block{1},
         {"blocks.0.hook_resid_pre", "blocks.0.hook_resid_mid", "blocks.1.ln1", 2});
  expect(config, Block{2}, kAroundPlanted);
  config.residual = ResidualForm::kParallelSharedNorm;
  expect(config, Block{3}, {"blocks.0.hook_resid_post", "blocks.1.hook_resid_mid", "ln_final", 4});
}

// Its states are normed, so no token spikes by the definition.
TEST_F(SpikeCosinesTest, PostNormModels) {
  auto config = tiny_config();
  config.norm_placement = NormPlacement::kPost;
  model = random_model(config, torch::kDouble);
  const auto mask = torch::zeros({kSequences, kLength}, torch::kBool);
  mask.select(1, 0).fill_(true);
  const auto result = measure(Block{2}, places_of(mask));
  EXPECT_EQ(result.norm, "blocks.0.ln2");
  EXPECT_EQ(result.norm_after_block, 2);
  const auto spikes = places_of(mask).positions();
  expect_cosines(result.spike.before, "blocks.0.hook_normalized_resid_mid", spikes);
  expect_cosines(result.spike.after, "blocks.0.hook_resid_post", spikes);
  expect_cosines(result.spike.normalized, "blocks.0.ln2.hook_normalized", spikes);
}

TEST_F(SpikeCosinesTest, AnRmsNormKeepsCosinesAndALayerNormDoesNot) {
  auto config = tiny_config();
  for (const auto kind : {NormKind::kRmsNorm, NormKind::kLayerNorm}) {
    config.norm.kind = kind;
    model = random_model(config, torch::kDouble);
    const auto scope = plant();
    const auto ordinary = measure(Block{2}, places_of(spike_mask())).ordinary;
    const double change = std::abs(ordinary.after.median - ordinary.normalized.median);
    EXPECT_EQ(change < 1e-9, kind == NormKind::kRmsNorm) << change;
  }
}

TEST_F(SpikeCosinesTest, TwoPassesMerge) {
  const auto scope = plant();
  const auto [once, merged] =
      once_and_merged(SpikeCosines(places_of(spike_mask()), Block{2}, {.max_tokens = 7}));
  const auto a = once.result(), b = merged.result();
  expect_same(a.spike, b.spike, 0);
  expect_same(a.ordinary, b.ordinary, 0);
}

TEST_F(SpikeCosinesTest, OtherBatchesGiveTheSameTokens) {
  const auto scope = plant();
  const auto spikes = places_of(spike_mask());
  const auto expected = measure(Block{2}, spikes, {.max_tokens = 7});
  SpikeCosines merged(spikes, Block{2}, {.max_tokens = 7}), rest = merged;
  auto singles = token_batches(rows(0, kSequences), kLength);
  run(model, {singles.begin() + 4, singles.end()}, {&merged});
  run(model, {singles.begin(), singles.begin() + 4}, {&rest});
  merged.merge(rest);
  expect_same(expected.spike, merged.result().spike, 1e-12);
  expect_same(expected.ordinary, merged.result().ordinary, 1e-12);
}

TEST_F(SpikeCosinesTest, TokensOfAPrefixAreLeftOut) {
  const SpikePositions spikes({{0, 0}, {0, 3}, {1, 2}});
  SpikeCosines cosines(spikes, Block{2});
  run(model, {with_prefix(batches[0], {7, 7})}, {&cosines});
  const auto result = cosines.result();
  EXPECT_EQ(positions(result.spike), spikes.positions());
  for (const auto* group : {&result.spike, &result.ordinary}) {
    for (const auto& [token, id] : group->tokens) {
      EXPECT_GE(token.position, 0);
      EXPECT_EQ(id, tokens[token.sequence][token.position].item<int64_t>());
    }
  }
}

TEST_F(SpikeCosinesTest, VectorsThatAreZeroOrNotFiniteHaveNoCosine) {
  const auto scope = model->hooks().add("blocks.1.hook_mlp_out", [](const torch::Tensor& x) {
    auto changed = x.clone();
    changed.select(1, 3).select(1, 0) = INFINITY;
    return changed;
  });
  const auto zero = model->hooks().add("hook_embed", [](const torch::Tensor& x) {
    auto changed = x.clone();
    changed.select(1, 2) = 0;
    return changed;
  });
  const auto first = measure(Block{1}, SpikePositions({{0, 1}, {0, 2}, {0, 4}})).spike;
  const auto last = measure(Block{4}, SpikePositions({{0, 1}, {0, 3}, {0, 4}})).spike;
  for (const auto* cosines : {&first.before, &last.after, &last.normalized}) {
    for (size_t token = 0; token < 3; ++token) {
      EXPECT_TRUE(std::isnan(cosines->matrix[1][token]));
      EXPECT_TRUE(std::isnan(cosines->matrix[token][1]));
    }
    EXPECT_EQ(cosines->median, cosines->matrix[0][2]) << "the only pair";
  }
  EXPECT_EQ(last.tokens.size(), 3u);
}

TEST_F(SpikeCosinesTest, FewTokensMakeNoPair) {
  const auto none = measure(Block{2}, {});
  EXPECT_TRUE(none.spike.tokens.empty());
  EXPECT_TRUE(none.ordinary.tokens.empty()) << "as many as spike tokens";
  EXPECT_TRUE(none.spike.after.matrix.empty());
  EXPECT_TRUE(std::isnan(none.spike.after.median));
  const auto one = measure(Block{2}, SpikePositions({{1, 4}}));
  ASSERT_EQ(one.spike.after.matrix.size(), 1u);
  EXPECT_NEAR(one.spike.after.matrix[0][0], 1, 1e-12);
  EXPECT_TRUE(std::isnan(one.spike.after.minimum));
  EXPECT_EQ(one.ordinary.tokens.size(), 1u);
}

TEST_F(SpikeCosinesTest, ARunThatEndsBeforeTheNormHasNoCosinesThere) {
  SpikeCosines cosines(SpikePositions({{0, 0}, {1, 0}}), Block{2});
  run(model, batches, {&cosines}, {.stop_after = Block{2}});
  const auto result = cosines.result();
  EXPECT_EQ(result.spike.after.matrix.size(), 2u);
  EXPECT_TRUE(result.spike.normalized.matrix.empty());
}

TEST_F(SpikeCosinesTest, InvalidArgumentsAreRefused) {
  const auto refuses = [&](auto make, const std::string& what) {
    EXPECT_TRUE(contains(message_of<std::invalid_argument>(make), what)) << what;
  };
  SpikeCosines few({}, Block{2}, {.max_tokens = 1}), beyond({}, Block{5});
  refuses([&] { run(model, batches, {&few}); }, "max_tokens: got 1, expected at least 2");
  refuses([&] { run(model, batches, {&beyond}); }, "block: got 5, expected 1 to 4");
  SpikeCosines one({}, Block{2}), block({}, Block{3}), fewer({}, Block{2}, {.max_tokens = 9});
  SpikeCosines deep({}, Block{2});
  run(model, batches, {&one, &block, &fewer});
  auto config = tiny_config();
  config.n_layers = 1;
  auto shallow = random_model(config);
  run(shallow, batches, {&deep});
  refuses([&] { one.merge(block); }, "got block 3, expected 2");
  refuses([&] { one.merge(fewer); }, "got max_tokens 9, expected 64");
  refuses([&] { one.merge(deep); }, "got norm ln_final, expected blocks.1.ln1");
}

TEST(Smollm2CosinesTest, SpikeTokensBecomeOneVectorInTheBlockThatMakesTheSpike) {
  if (!std::filesystem::exists(SPIKESINK_SMOLLM2))
    GTEST_SKIP() << "scripts/setup has not put the model into .deps";
  nlohmann::json golden;
  std::ifstream(SPIKESINK_GOLDENS "/smollm2.json") >> golden;
  auto rows = golden["tokens"].get<std::vector<std::vector<int64_t>>>();
  rows.resize(8);
  auto model = load_model(SPIKESINK_SMOLLM2);
  const auto batches = token_batches(rows);
  LifeCycle life_cycle;
  SpikeTokens spikes;
  run(model, batches, {&life_cycle, &spikes});
  SpikeCosines cosines(spikes.result().spike_positions, life_cycle.result().spike_origin().value());
  run(model, batches, {&cosines});
  const auto result = cosines.result();
  ASSERT_GE(result.spike.tokens.size(), 8u);
  EXPECT_LT(result.spike.before.median, 0.95);
  EXPECT_GT(result.spike.after.minimum, 0.999);
  EXPECT_GT(result.spike.normalized.minimum, 0.999);
  EXPECT_LT(result.ordinary.before.median, 0.7);
  EXPECT_LT(result.ordinary.after.median, 0.7);
}

}  // namespace
}  // namespace spikesink
