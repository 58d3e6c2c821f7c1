#include "spikesink/train/trainer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "message_of.h"
#include "spikesink/train/training_log.h"
#include "train/small_config.h"

namespace spikesink {
namespace {

std::vector<double> losses(const TrainConfig& config) {
  Trainer trainer(config, open_training_data(config));
  std::vector<double> result;
  while (!trainer.done()) result.push_back(trainer.step().loss);
  return result;
}

TEST(TrainerTest, TheSameTwiceAndInParts) {
  const auto whole = losses(small_config());
  EXPECT_EQ(losses(small_config()), whole);
  auto parts = small_config();
  parts.micro_batch = 3;
  const auto in_parts = losses(parts);
  for (size_t step = 0; step < whole.size(); ++step)
    EXPECT_NEAR(in_parts[step], whole[step], 1e-5) << step;
  auto other = small_config();
  other.seed = 1;
  EXPECT_NE(losses(other), whole);
}

// The bound is float32's spacing at losses from 4 to 8, once for each step.
TEST(TrainerTest, RecomputingChangesNothing) {
  auto config = small_config();
  find_ablation("table7/embedding").change(config);
  config.steps = 4;
  const auto kept = losses(config);
  config.recompute = true;
  const auto again = losses(config);
  for (size_t step = 0; step < kept.size(); ++step)
    EXPECT_NEAR(again[step], kept[step], 4 * 0x1p-21) << step;
}

// Products in bfloat16 have 8 bits, and the losses follow those of float32.
TEST(TrainerTest, Bfloat16FollowsFloat32) {
  for (const auto& row : ablations()) {
    auto config = small_config();
    config.model.n_heads = config.model.n_key_value_heads = 4;
    config.length = config.model.context = 32;  // of which table 8 takes a sixteenth
    config.measure_every = 0;
    row.change(config);
    config.steps = 3;
    const auto exact = losses(config);
    config.bfloat16 = true;
    const auto rounded = losses(config);
    EXPECT_NE(rounded, exact) << row.name;
    for (size_t step = 0; step < exact.size(); ++step)
      EXPECT_NEAR(rounded[step], exact[step], 0.03) << row.name << ", step " << step;
  }
}

TEST(TrainerTest, Bfloat16KeepsItsWeightsInFloat32) {
  auto config = small_config();
  config.bfloat16 = true;
  config.recompute = true;
  Trainer trainer(config, open_training_data(config));
  for (int step = 0; step < 2; ++step) trainer.step();  // the first has a learning rate of 0
  for (const auto& entry : trainer.model()->named_parameters()) {
    EXPECT_EQ(entry.value().scalar_type(), torch::kFloat) << entry.key();
    EXPECT_FALSE(entry.value().to(torch::kBFloat16).to(torch::kFloat).equal(entry.value()))
        << entry.key();
  }
}

TEST(TrainerTest, CountsMassiveChannels) {
  const auto config = small_config();
  Trainer trainer(config, open_training_data(config));
  EXPECT_EQ(*record({.validation = trainer.run_validation()}).validation->massive_channels, 0);
  {
    const torch::NoGradGuard no_grad;
    const int64_t bos = config.model.d_vocabulary - 1;
    trainer.model()->embedding[bos][3] = 1e5;
    trainer.model()->embedding[bos][5] = -1e5;
  }
  EXPECT_EQ(*record({.validation = trainer.run_validation()}).validation->massive_channels, 2);
}

TEST(TrainerTest, ItLearnsAndMeasures) {
  auto config = small_config();
  config.steps = 60;
  Trainer trainer(config, open_training_data(config));
  const auto before = trainer.run_validation();
  std::vector<int64_t> measured;
  TrainingStep last;
  while (!trainer.done()) {
    last = trainer.step();
    if (last.validation) measured.push_back(last.step);
  }
  EXPECT_EQ(measured.front(), 5);
  EXPECT_EQ(measured.back(), 60);
  EXPECT_EQ(last.tokens, 60 * 8 * 16);
  EXPECT_LT(last.validation->perplexity.mean_loss, before.perplexity.mean_loss - 0.1);
  EXPECT_EQ(last.validation->kurtosis.size(), 1);
  EXPECT_GT(last.validation->spike(), 0);
  EXPECT_EQ(last.validation->perplexity.tokens, 6 * 15);
}

TEST(TrainerTest, ShortContextsHaveNoLoss) {
  auto config = small_config();
  config.skipped_predictions = 9;
  Trainer trainer(config, open_training_data(config));
  const auto ids = open_training_data(config).training->sequences(0, config.sequences, 17);
  const torch::NoGradGuard no_grad;
  const auto logits = trainer.model()->forward(ids);
  const auto all =
      at::cross_entropy_loss(logits.slice(1, 9, -1).flatten(0, 1), ids.slice(1, 10).flatten());
  const torch::AutoGradMode with_gradients(true);
  EXPECT_NEAR(trainer.step().loss, all.item<double>(), 1e-5);
}

TEST(TrainerTest, ALossThatIsNotFiniteEndsItWithTheStep) {
  auto config = small_config();
  Trainer trainer(config, open_training_data(config));
  trainer.step();
  const torch::NoGradGuard no_grad;
  trainer.model()->embedding.fill_(std::nan(""));
  const torch::AutoGradMode with_gradients(true);
  EXPECT_TRUE(contains(message_of<std::runtime_error>([&] { trainer.step(); }),
                       "step 2: got a loss of nan"));
  EXPECT_EQ(trainer.steps_done(), 1);
}

}  // namespace
}  // namespace spikesink
