#include "spikesink/train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "spikesink/train/trainer.h"
#include "train/small_config.h"

namespace spikesink {
namespace {

TEST(LearningRateTest, WarmUpThenCosine) {
  const OptimizerConfig config{.learning_rate = 1, .least_learning_rate = 0.2, .warm_up = 4};
  EXPECT_DOUBLE_EQ(learning_rate(config, 0, 101), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(config, 3, 101), 1);
  EXPECT_DOUBLE_EQ(learning_rate(config, 4, 101), 1);
  EXPECT_NEAR(learning_rate(config, 52, 101), 0.6, 1e-12);
  EXPECT_NEAR(learning_rate(config, 100, 101), 0.2, 1e-12);
}

// As Loshchilov and Hutter write it.
TEST(AdamWTest, IsTheFormula) {
  auto config = small_config();
  config.optimizer.clip = 0.5;
  config.optimizer.weight_decay = 0.1;
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
      if (w.dim() >= 2) w = w * (1 - 0.01 * 0.1);
      const auto unbiased = v / (1 - std::pow(0.95, step));
      w = w - 0.01 * (m / (1 - std::pow(0.9, step))) / (unbiased.sqrt() + 1e-8);
    }
    EXPECT_NEAR(optimizer.step(0.01), std::sqrt(sum), 1e-6 * std::sqrt(sum));
    for (const auto& entry : model->named_parameters())
      EXPECT_TRUE(at::allclose(entry.value().to(torch::kDouble), expected[entry.key()], 1e-5, 1e-6))
          << entry.key() << ", step " << step;
  }
}

}  // namespace
}  // namespace spikesink
