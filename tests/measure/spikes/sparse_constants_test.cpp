// Spike tokens before and after the norms of the stream, against whole tensors; and the real thing.

#include "spikesink/measure/spikes/sparse_constants.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "measure/planted_spikes.h"
#include "message_of.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/measure/spikes/spike_tokens.h"
#include "spikesink/model/load_model.h"

namespace spikesink {
namespace {

void expect_summary(const VectorSummary& got, const torch::Tensor& rows, int64_t top,
                    double tolerance) {
  const auto x = rows.to(torch::kDouble);  // [n, d]
  const auto units = x / x.norm(2, 1, true);
  const auto n = static_cast<double>(x.size(0));
  ASSERT_EQ(got.count, x.size(0));
  const double cosines = (at::mm(units, units.t()).sum() - n).item<double>();
  EXPECT_NEAR(got.cosine, cosines / (n * (n - 1)), tolerance);
  const auto spread = (x - x.mean(0)).square().sum(1).mean();
  EXPECT_NEAR(got.distance, (spread / x.square().sum(1).mean()).sqrt().item<double>(), tolerance);
  const auto squares = x.square();
  EXPECT_NEAR(got.participation,
              (squares.sum(1).square() / squares.square().sum(1)).mean().item<double>(),
              tolerance * 32);
  const auto largest = std::get<0>(squares.topk(top, 1)).sum(1);
  EXPECT_NEAR(got.top_share, (largest / squares.sum(1)).mean().item<double>(), tolerance);
  EXPECT_NEAR(got.largest / x.abs().max().item<double>(), 1, tolerance);
}

struct SparseConstantsTest : PlantedSpikes {
  void expect_all(double tolerance, int64_t top = 3) {
    const auto mask = spike_mask();
    ASSERT_TRUE(mask.any().item<bool>());
    SparseConstants constants(places_of(mask), {.top = top});
    run(model, batches, {&constants});
    const auto result = constants.result();
    EXPECT_EQ(result.d_model, 32);
    EXPECT_EQ(result.options.top, top);
    const std::map<std::string, std::pair<std::string, int64_t>> inputs = {
        {"blocks.0.ln1", {"blocks.0.hook_resid_pre", 0}},
        {"blocks.0.ln2", {"blocks.0.hook_resid_mid", 1}},
        {"blocks.1.ln1", {"blocks.1.hook_resid_pre", 2}},
        {"blocks.1.ln2", {"blocks.1.hook_resid_mid", 3}},
        {"ln_final", {"blocks.1.hook_resid_post", 4}}};
    ASSERT_EQ(result.norms.size(), inputs.size());
    for (const auto& norm : result.norms) {
      SCOPED_TRACE(norm.name);
      const auto& [point, block] = inputs.at(norm.name);
      EXPECT_EQ(norm.after_block, block);
      const auto before = all_of(point)[point];
      const auto after = all_of(norm.name + ".hook_normalized").begin()->second;
      expect_summary(norm.before.spike, chosen_rows(before, mask), top, tolerance);
      expect_summary(norm.before.ordinary, chosen_rows(before, ~mask), top, tolerance);
      expect_summary(norm.after.spike, chosen_rows(after, mask), top, tolerance);
      expect_summary(norm.after.ordinary, chosen_rows(after, ~mask), top, tolerance);
      EXPECT_LE(norm.after.spike.largest, std::sqrt(32.0) * (1 + 1e-2));
    }
  }
  SparseConstantsResult measure(const ModelConfig& config, torch::Dtype dtype = torch::kDouble) {
    model = random_model(config, dtype);
    SparseConstants constants({});
    run(model, batches, {&constants});
    return constants.result();
  }
};

std::vector<std::pair<std::string, int64_t>> names_of(const SparseConstantsResult& result) {
  std::vector<std::pair<std::string, int64_t>> places;
  for (const auto& norm : result.norms) places.emplace_back(norm.name, norm.after_block);
  return places;
}

// An RMSNorm keeps each vector's direction: what it reads can only be the right state.
void expect_same_directions(const SparseConstantsResult& result) {
  for (const auto& norm : result.norms) {
    SCOPED_TRACE(norm.name);
    const auto &before = norm.before.ordinary, &after = norm.after.ordinary;
    EXPECT_EQ(before.count, kSequences * kLength);
    EXPECT_NEAR(before.cosine, after.cosine, 1e-9);
    EXPECT_NEAR(before.participation, after.participation, 1e-9);
    EXPECT_NEAR(before.top_share, after.top_share, 1e-9);
  }
}

TEST_F(SparseConstantsTest, EveryNormOfTheStream) {
  const auto scope = plant();
  expect_all(1e-9);
  expect_all(1e-9, 1);
  expect_all(1e-9, 32);
}

TEST_F(SparseConstantsTest, FloatAndBFloat16) {
  for (const auto dtype : {torch::kFloat, torch::kBFloat16}) {
    model = random_model(tiny_config(), dtype);
    const auto scope = plant();
    expect_all(1e-6);
  }
}

TEST_F(SparseConstantsTest, TwoPassesMerge) {
  const auto scope = plant();
  const auto [once, merged] = once_and_merged(SparseConstants(places_of(spike_mask())));
  const auto a = once.result(), b = merged.result();
  ASSERT_EQ(a.norms.size(), b.norms.size());
  for (size_t index = 0; index < a.norms.size(); ++index) {
    const auto &one = a.norms[index].after.spike, &other = b.norms[index].after.spike;
    EXPECT_EQ(one.count, other.count);
    EXPECT_NEAR(one.cosine, other.cosine, 1e-12);
    EXPECT_NEAR(one.distance, other.distance, 1e-9);
    EXPECT_NEAR(one.participation, other.participation, 1e-9);
    EXPECT_EQ(one.largest, other.largest);
  }
}

TEST_F(SparseConstantsTest, ThreadsChangeNothing) {
  const auto mask = places_of(spike_mask());
  std::vector<double> cosines;
  for (const int count : {1, 2}) {
    at::set_num_threads(count);
    SparseConstants constants(mask);
    run(model, {{tokens.repeat({30, 1}), 0}}, {&constants});
    cosines.push_back(constants.result().norms[0].before.ordinary.cosine);
  }
  EXPECT_EQ(cosines[0], cosines[1]);
}

TEST_F(SparseConstantsTest, EveryPlacementAndResidualForm) {
  auto config = tiny_config();
  config.norm.epsilon = config.final_norm.epsilon = 1e-30;
  using Places = std::vector<std::pair<std::string, int64_t>>;
  for (const auto placement : {NormPlacement::kPre, NormPlacement::kSandwich}) {
    config.norm_placement = placement;
    const auto result = measure(config);
    EXPECT_EQ(names_of(result), (Places{{"blocks.0.ln1", 0},
                                        {"blocks.0.ln2", 1},
                                        {"blocks.1.ln1", 2},
                                        {"blocks.1.ln2", 3},
                                        {"ln_final", 4}}));
    expect_same_directions(result);
  }
  config.norm_placement = NormPlacement::kOutput;
  EXPECT_EQ(names_of(measure(config)), (Places{{"ln_final", 4}}));
  expect_same_directions(measure(config));
  config.norm_placement = NormPlacement::kPost;
  const auto post = measure(config);
  EXPECT_EQ(names_of(post), (Places{{"blocks.0.ln1", 1},
                                    {"blocks.0.ln2", 2},
                                    {"blocks.1.ln1", 3},
                                    {"blocks.1.ln2", 4},
                                    {"ln_final", 4}}));
  expect_same_directions(post);
  config.norm_placement = NormPlacement::kPre;
  config.residual = ResidualForm::kParallelOwnNorms;
  const auto parallel = measure(config);
  EXPECT_EQ(names_of(parallel), (Places{{"blocks.0.ln1", 0},
                                        {"blocks.0.ln2", 0},
                                        {"blocks.1.ln1", 2},
                                        {"blocks.1.ln2", 2},
                                        {"ln_final", 4}}));
  expect_same_directions(parallel);
  config.residual = ResidualForm::kParallelSharedNorm;
  EXPECT_EQ(names_of(measure(config)),
            (Places{{"blocks.0.ln1", 0}, {"blocks.1.ln1", 2}, {"ln_final", 4}}));
  expect_same_directions(measure(config));
}

TEST_F(SparseConstantsTest, GroupsWithoutTokensAreNotNumbers) {
  const auto result = measure(tiny_config());
  for (const auto& norm : result.norms) {
    EXPECT_EQ(norm.after.spike.count, 0);
    EXPECT_TRUE(std::isnan(norm.after.spike.cosine));
    EXPECT_TRUE(std::isnan(norm.after.spike.largest));
    EXPECT_TRUE(std::isfinite(norm.after.ordinary.cosine));
  }
  SparseConstants one(SpikePositions({{0, 0}}));
  run(model, batches, {&one});
  const auto alone = one.result().norms[0].after.spike;
  EXPECT_EQ(alone.count, 1);
  EXPECT_TRUE(std::isnan(alone.cosine)) << "one token makes no pair";
  EXPECT_NEAR(alone.distance, 0, 1e-7);
}

TEST_F(SparseConstantsTest, VectorsThatAreZeroOrNotFiniteAreLeftOut) {
  const auto scope = model->hooks().add("hook_embed", [](const torch::Tensor& x) {
    auto changed = x.clone();
    changed.select(1, 2) = 0;
    changed.select(1, 3).select(1, 0) = INFINITY;
    return changed;
  });
  SparseConstants constants({});
  run(model, batches, {&constants});
  const auto result = constants.result();
  EXPECT_EQ(result.norms[0].before.ordinary.count, kSequences * (kLength - 2));
  EXPECT_TRUE(std::isfinite(result.norms[0].before.ordinary.cosine));
}

TEST_F(SparseConstantsTest, InvalidArgumentsAreRefused) {
  SparseConstants none({}, {.top = 0});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { run(model, batches, {&none}); }),
                       "top: got 0"));
  auto config = tiny_config();
  config.n_layers = 1;
  auto shallow = random_model(config);
  SparseConstants one({}), other({});
  run(model, batches, {&one});
  run(shallow, batches, {&other});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { one.merge(other); }),
                       "got 3 norms of 32 channels, expected the same 5 of 32"));
}

TEST(Smollm2TokensTest, SpikeTokensBecomeOneVectorWithTheFirstStepUp) {
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
  const auto places = spikes.result().spike_positions;
  ASSERT_GE(places.positions().size(), 8u);
  SparseConstants constants(places);
  run(model, batches, {&constants});
  const auto result = constants.result();
  const auto steps = life_cycle.result().step_up;
  const auto at = [&](int64_t block) {
    return *std::find_if(result.norms.begin(), result.norms.end(),
                         [&](const auto& norm) { return norm.after_block == block; });
  };
  const auto embedded = at(0), risen = at(steps.front());
  EXPECT_LT(embedded.after.spike.cosine, 0.5);
  EXPECT_GT(risen.after.spike.cosine, 0.95);
  EXPECT_LT(risen.after.ordinary.cosine, 0.6);
  EXPECT_LT(risen.after.spike.participation, 2);
  EXPECT_GT(embedded.after.spike.participation, 100);
  EXPECT_GT(risen.after.spike.top_share, 0.8);
  EXPECT_LE(risen.after.spike.largest, std::sqrt(static_cast<double>(result.d_model)));
}

}  // namespace
}  // namespace spikesink
