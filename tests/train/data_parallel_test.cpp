// One training at several processes, which here are threads.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "message_of.h"
#include "read_bytes.h"
#include "spikesink/model/load_model.h"
#include "spikesink/train/ablations.h"
#include "spikesink/train/training_run.h"
#include "temp_dir.h"
#include "threads_as_processes.h"
#include "train/small_config.h"

namespace spikesink {
namespace {

// Sums in another order, in float32: its spacing at losses from 4 to 8, once for each of 12 steps.
constexpr double kDifference = 12 * 0x1p-21;

std::vector<TrainingStep> trained(const TrainConfig& config, ProcessGroup* processes = nullptr) {
  Trainer trainer(config, open_training_data(config), torch::kCPU, processes);
  std::vector<TrainingStep> steps;
  while (!trainer.done()) steps.push_back(trainer.step());
  return steps;
}

void expect_same(const std::vector<TrainingStep>& seen, const std::vector<TrainingStep>& expected) {
  ASSERT_EQ(seen.size(), expected.size());
  for (size_t index = 0; index < seen.size(); ++index) {
    const auto &one = seen[index], &other = expected[index];
    EXPECT_EQ(one.tokens, other.tokens);
    EXPECT_NEAR(one.loss, other.loss, kDifference) << one.step;
    EXPECT_NEAR(one.gradient_norm, other.gradient_norm, kDifference) << one.step;
    ASSERT_EQ(one.validation.has_value(), other.validation.has_value());
    if (!one.validation) continue;
    EXPECT_EQ(one.validation->perplexity.tokens, other.validation->perplexity.tokens);
    EXPECT_NEAR(one.validation->perplexity.mean_loss, other.validation->perplexity.mean_loss,
                kDifference);
    EXPECT_NEAR(one.validation->spike(), other.validation->spike(), 1e-5);
  }
}

TEST(DataParallelTest, TrainsAsOneProcessDoes) {
  for (const int64_t micro_batch : {0, 3}) {
    auto config = small_config();
    config.micro_batch = micro_batch;
    const auto alone = trained(config);
    for (const int64_t count : {2, 3, 8}) {  // three share eight unequally
      ThreadJob(count).run(
          [&](ProcessGroup& process) { expect_same(trained(config, &process), alone); });
    }
  }
}

TEST(DataParallelTest, LayersThatAreComputedAgain) {
  auto config = ablation_config("table7/embedding", "nano");
  config.steps = 4;
  config.sequences = 4;
  config.measured_sequences = 2;
  config.recompute = true;
  const auto alone = trained(config);
  ThreadJob(2).run([&](ProcessGroup& process) { expect_same(trained(config, &process), alone); });
}

TEST(DataParallelTest, EachProcessKeepsItsPartOfTheMoments) {
  constexpr int64_t kCount = 3;
  const auto config = small_config();
  const auto bytes = [](const AdamW& optimizer) {
    int64_t sum = 0;
    for (const auto& [name, tensor] : optimizer.state_tensors()) sum += tensor.nbytes();
    return sum;
  };
  Trainer alone(config, open_training_data(config));
  std::mutex mutex;
  std::set<std::string> names;
  int64_t all = 0, most = 0;
  ThreadJob(kCount).run([&](ProcessGroup& process) {
    const Trainer trainer(config, open_training_data(config), torch::kCPU, &process);
    const std::lock_guard lock(mutex);
    for (const auto& [name, tensor] : trainer.optimizer().state_tensors())
      EXPECT_TRUE(names.insert(name).second) << name;
    all += bytes(trainer.optimizer());
    most = std::max(most, bytes(trainer.optimizer()));
  });
  EXPECT_EQ(names.size(), alone.optimizer().state_tensors().size());
  EXPECT_EQ(all, bytes(alone.optimizer()));
  EXPECT_LT(most, 2 * all / kCount);
}

TEST(DataParallelTest, ALossThatIsNotFiniteEndsTheStepEverywhere) {
  const auto config = small_config();
  ThreadJob(2).run([&](ProcessGroup& process) {
    Trainer trainer(config, open_training_data(config), torch::kCPU, &process);
    const torch::NoGradGuard no_grad;
    const auto before = trainer.model()->parameters()[1].clone();
    if (process.rank() == 1)
      trainer.model()->parameters()[0].fill_(std::numeric_limits<float>::quiet_NaN());
    const torch::AutoGradMode with_gradients(true);
    EXPECT_TRUE(contains(message_of<std::runtime_error>([&] { trainer.step(); }),
                         "step 1: got a loss of nan"));
    EXPECT_TRUE(trainer.model()->parameters()[1].equal(before));
  });
}

TEST(DataParallelTest, AProcessWithoutASequenceIsRefused) {
  auto config = small_config();
  config.sequences = 1;
  ThreadJob(2).run([&](ProcessGroup& process) {
    EXPECT_EQ(message_of<std::invalid_argument>([&] { trained(config, &process); }),
              "[Trainer] sequences: got 1, expected at least 2, one for each process");
  });
}

void run_to(int64_t step, const TrainConfig& config, const TempDir& folder,
            ProcessGroup* processes) {
  TrainingRun run(config, folder.path(), torch::kCPU, processes);
  while (!run.done() && run.trainer().steps_done() < step) run.step();
}

TEST(DataParallelTest, AsManyProcessesContinueBitForBit) {
  const auto config = small_config();
  const TempDir whole, stopped;
  const auto train = [&](int64_t step, const TempDir& folder) {
    ThreadJob(2).run([&](ProcessGroup& process) { run_to(step, config, folder, &process); });
  };
  train(config.steps, whole);
  train(7, stopped);
  train(config.steps, stopped);
  for (const char* name : {"log.jsonl", "model/model.safetensors"})
    EXPECT_EQ(read_bytes(stopped / name), read_bytes(whole / name)) << name;
}

TEST(DataParallelTest, AnyNumberOfProcessesContinues) {
  const auto config = small_config();
  const TempDir alone;
  run_to(config.steps, config, alone, nullptr);
  const auto expected = read_training_run(alone.path()).log;
  for (const int64_t then : {1, 3}) {
    const TempDir folder;
    ThreadJob(2).run([&](ProcessGroup& process) { run_to(7, config, folder, &process); });
    EXPECT_TRUE(
        std::filesystem::exists(folder / "checkpoints/step-4/optimizer-2-of-2.safetensors"));
    if (then == 1) {
      run_to(config.steps, config, folder, nullptr);
    } else {
      ThreadJob(then).run(
          [&](ProcessGroup& process) { run_to(config.steps, config, folder, &process); });
    }
    const auto log = read_training_run(folder.path()).log;
    ASSERT_EQ(log.size(), expected.size());
    for (size_t step = 0; step < log.size(); ++step)
      EXPECT_NEAR(log[step].loss, expected[step].loss, kDifference);
    const auto weights = load_model(folder / "model")->parameters();
    const auto wanted = load_model(alone / "model")->parameters();
    for (size_t index = 0; index < wanted.size(); ++index)
      EXPECT_TRUE(at::allclose(weights[index], wanted[index], 1e-4, 1e-5));
  }
}

}  // namespace
}  // namespace spikesink
