#include "spikesink/train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "spikesink/train/trainer.h"
#include "train/small_config.h"

namespace spikesink {
namespace {

TEST(LearningRateTest, QuadraticWarmUpThenCosine) {
  const OptimizerConfig config{.learning_rate = 1, .min_rate_ratio = 0.2, .warm_up = 4};
  EXPECT_EQ(learning_rate(config, 0, 100), 0);
  EXPECT_DOUBLE_EQ(learning_rate(config, 1, 100), 1 - 0.75 * 0.75);
  EXPECT_DOUBLE_EQ(learning_rate(config, 4, 100), 1);
  EXPECT_NEAR(learning_rate(config, 52, 100), 0.6, 1e-12);
  EXPECT_NEAR(learning_rate(config, 100, 100), 0.2, 1e-12);
}

TEST(LearningRateTest, WithoutWarmUpTheFirstUpdateHasTheFullRate) {
  const OptimizerConfig config{.learning_rate = 2, .min_rate_ratio = 1, .warm_up = 0};
  for (const int64_t step : {0, 5, 9}) EXPECT_DOUBLE_EQ(learning_rate(config, step, 10), 2);
}

TEST(LearningRateTest, AWarmUpLongerThanTheTrainingStaysBelowItsEnd) {
  const OptimizerConfig config{.learning_rate = 1, .warm_up = 20};
  EXPECT_DOUBLE_EQ(learning_rate(config, 10, 12), 0.75);
}

class AdamWTest : public testing::TestWithParam<bool> {};

// As Loshchilov and Hutter write it.
TEST_P(AdamWTest, IsTheFormula) {
  auto config = small_config();
  config.optimizer.clip = 0.5;
  config.optimizer.weight_decay = 0.1;
  config.optimizer.decay_vectors = GetParam();
  Trainer trainer(config, open_training_data(config));
  auto& model = trainer.model();
  AdamW optimizer(model, config.optimizer);
  std::map<std::string, torch::Tensor> expected, first, second;
  for (const auto& entry : model->named_parameters())
    expected[entry.key()] = entry.value().detach().to(torch::kDouble).clone();
  for (int step = 1; step <= 3; ++step) {
    torch::manual_seed(step);
    double sum = 0;
    for (auto& entry : model->named_parameters()) {
      entry.value().mutable_grad() = torch::randn_like(entry.value());
      sum += entry.value().grad().square().sum(torch::kDouble).item<double>();
    }
    for (auto& entry : model->named_parameters()) {
      const auto g = entry.value().grad().to(torch::kDouble) * (0.5 / std::sqrt(sum));
      auto& m = first[entry.key()];
      auto& v = second[entry.key()];
      m = m.defined() ? 0.9 * m + 0.1 * g : 0.1 * g;
      v = v.defined() ? 0.95 * v + 0.05 * g * g : 0.05 * g * g;
      auto& w = expected[entry.key()];
      if (GetParam() || w.dim() >= 2) w = w * (1 - 0.01 * 0.1);
      const auto unbiased = v / (1 - std::pow(0.95, step));
      w = w - 0.01 * (m / (1 - std::pow(0.9, step))) / (unbiased.sqrt() + 1e-8);
    }
    EXPECT_NEAR(optimizer.step(0.01), std::sqrt(sum), 1e-6 * std::sqrt(sum));
    for (const auto& entry : model->named_parameters())
      EXPECT_TRUE(at::allclose(entry.value().to(torch::kDouble), expected[entry.key()], 1e-5, 1e-6))
          << entry.key() << ", step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(DecayOfVectors, AdamWTest, testing::Bool());

}  // namespace
}  // namespace spikesink
