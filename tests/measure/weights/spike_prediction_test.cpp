// Predictions from weights alone, planted and of a real model.

#include "spikesink/measure/weights/spike_prediction.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "measure/weights/amplifier.h"
#include "spikesink/measure/weights/quadratic_form.h"
#include "spikesink/model/load_model.h"

namespace spikesink {
namespace {

struct SpikePredictionTest : Amplifier {};

TEST_F(SpikePredictionTest, PredictionNamesThePlantedBlocksAlone) {
  auto model = quiet_model();
  plant(model, 1, 0, 5, 40);
  plant(model, 1, 1, 9, -20);
  plant(model, 2, 0, 5, 60);
  plant(model, 3, 0, 5, -90);
  plant(model, 3, 1, 9, 30);
  const auto prediction = quadratic_form(model).prediction();
  EXPECT_EQ(prediction.spike_channels, (std::vector<int64_t>{5, 9}));
  EXPECT_EQ(prediction.step_up, (std::vector<int64_t>{4, 6}));
  EXPECT_EQ(prediction.step_down, std::vector<int64_t>{8});
  ASSERT_EQ(prediction.steps.size(), 5u);
  const auto& last = prediction.steps[3];
  EXPECT_EQ(last.block.number, 8);
  EXPECT_EQ(last.channel, 5);
  EXPECT_FALSE(last.up);
  EXPECT_NEAR(last.eigenvalue, -90, 1);
  EXPECT_NEAR(last.max_added, 90 * kAmplifierWidth, kAmplifierWidth);
}

// A block that adds less than 1000 medians of the stream makes no spike.
TEST_F(SpikePredictionTest, ABlockThatAddsLittleIsNotPredicted) {
  auto model = quiet_model();
  plant(model, 1, 0, 5, 40);
  const auto median = quadratic_form(model).blocks[1].stream_median;
  EXPECT_EQ(quadratic_form(model).prediction().spike_channels, std::vector<int64_t>{5});
  const double ratio = 40 * kAmplifierWidth / median;
  EXPECT_TRUE(
      quadratic_form(model).prediction({.least_ratio = 1.1 * ratio}).spike_channels.empty());
  EXPECT_FALSE(
      quadratic_form(model).prediction({.least_ratio = 0.9 * ratio}).spike_channels.empty());
}

TEST_F(SpikePredictionTest, RandomWeightsPredictNothing) {
  for (const uint64_t seed : {1, 2, 3}) {
    torch::manual_seed(seed);
    const auto result = quadratic_form(random_model(config()));
    EXPECT_TRUE(result.prediction().steps.empty()) << seed;
  }
}

// The norm after a block gives its output a root mean square of one, times the learned scale.
TEST_F(SpikePredictionTest, ANormAfterTheBlockLimitsWhatItAdds) {
  auto sandwich = config();
  sandwich.norm_placement = NormPlacement::kSandwich;
  auto model = random_model(sandwich);
  plant(model, 1, 0, 5, 4000);
  model->layers[1]->feed_forward_norms.output->weight.fill_(3);
  const auto block = quadratic_form(model).blocks[1];
  ASSERT_EQ(block.outliers.at(0).channel, 5);
  EXPECT_NEAR(block.outliers[0].max_added, 3 * std::sqrt(kAmplifierWidth), 0.1);
}

TEST_F(SpikePredictionTest, AnOutlierWithoutADominantEigenvalueIsNotPredicted) {
  auto model = quiet_model();
  model->layers[2]->mlp->down->weight[11] *= 50;
  const auto result = quadratic_form(model);
  EXPECT_EQ(result.blocks[2].outliers.at(0).channel, 11);
  EXPECT_TRUE(result.prediction().steps.empty());
  EXPECT_TRUE(result.prediction().spike_channels.empty());
}

TEST(SmolLm2FormsTest, PredictsItsSpikes) {
  if (!std::filesystem::exists(SPIKESINK_SMOLLM2))
    GTEST_SKIP() << "scripts/setup has not put the model into .deps";
  const auto result = quadratic_form(load_model(SPIKESINK_SMOLLM2));
  const auto expect_outlier = [&](int64_t layer, double norm, double median, int sign) {
    const auto& block = result.blocks[layer];
    ASSERT_FALSE(block.outliers.empty()) << layer;
    const auto& form = block.outliers[0];
    EXPECT_EQ(form.channel, 507);
    EXPECT_NEAR(form.frobenius_norm, norm, 1) << layer;
    EXPECT_NEAR(block.median_norm, median, 1) << layer;
    EXPECT_GT(form.dominance, result.options.least_dominance) << layer;
    EXPECT_GT(sign * form.leading_eigenvalue(), 0) << layer;
    ASSERT_EQ(block.controls.size(), 1u) << layer;
    EXPECT_LT(block.controls[0].dominance, 0.25) << layer;
  };
  expect_outlier(2, 64, 6, 1);
  expect_outlier(11, 152, 11, 1);
  expect_outlier(28, 696, 16, -1);
  EXPECT_LT(result.blocks[2].outliers[0].dominance, 0.8) << "two units of opposite signs";
  EXPECT_GT(result.blocks[11].outliers[0].dominance, 0.9);
  EXPECT_GT(result.blocks[28].outliers[0].dominance, 0.9);
  const auto prediction = result.prediction();
  EXPECT_EQ(prediction.spike_channels, (std::vector<int64_t>{507, 247}));
  EXPECT_EQ(prediction.step_up, (std::vector<int64_t>{2, 6, 24, 58}));
  EXPECT_EQ(prediction.step_down, (std::vector<int64_t>{20, 58}));
}

}  // namespace
}  // namespace spikesink
