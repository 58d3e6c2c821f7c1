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
#include "train/gradient_sum.h"
#include "train/small_config.h"

namespace spikesink {
namespace {

constexpr double kDifference = 1e-6;  // of sums in another order, in float32

std::vector<TrainingStep> trained(const TrainConfig& config, Processes* processes = nullptr) {
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
    ASSERT_EQ(one.state.has_value(), other.state.has_value());
    if (!one.state) continue;
    EXPECT_EQ(one.state->perplexity.tokens, other.state->perplexity.tokens);
    EXPECT_NEAR(one.state->perplexity.mean_loss, other.state->perplexity.mean_loss, kDifference);
    EXPECT_NEAR(one.state->spike(), other.state->spike(), 1e-5);
  }
}

TEST(DataParallelTest, TrainsAsOneProcessDoes) {
  for (const int64_t at_once : {0, 3}) {
    auto config = small_config();
    config.at_once = at_once;
    const auto alone = trained(config);
    for (const int64_t count : {2, 3, 8}) {  // three share eight unequally
      ThreadJob(count).run(
          [&](Processes& process) { expect_same(trained(config, &process), alone); });
    }
  }
}

TEST(DataParallelTest, LayersThatAreComputedAgain) {
  auto config = ablated("table7/embedding", "nano");
  config.steps = 4;
  config.sequences = 4;
  config.measured_sequences = 2;
  config.recompute = true;
  const auto alone = trained(config);
  ThreadJob(2).run([&](Processes& process) { expect_same(trained(config, &process), alone); });
}

TEST(DataParallelTest, EachProcessKeepsItsPartOfTheMoments) {
  constexpr int64_t kCount = 3;
  const auto config = small_config();
  const auto bytes = [](const AdamW& optimizer) {
    int64_t sum = 0;
    for (const auto& [name, tensor] : optimizer.state()) sum += tensor.nbytes();
    return sum;
  };
  Trainer alone(config, open_training_data(config));
  std::mutex mutex;
  std::set<std::string> names;
  int64_t all = 0, most = 0;
  ThreadJob(kCount).run([&](Processes& process) {
    const Trainer trainer(config, open_training_data(config), torch::kCPU, &process);
    const std::lock_guard lock(mutex);
    for (const auto& [name, tensor] : trainer.optimizer().state())
      EXPECT_TRUE(names.insert(name).second) << name;
    all += bytes(trainer.optimizer());
    most = std::max(most, bytes(trainer.optimizer()));
  });
  EXPECT_EQ(names.size(), alone.optimizer().state().size());
  EXPECT_EQ(all, bytes(alone.optimizer()));
  EXPECT_LT(most, 2 * all / kCount);
}

TEST(DataParallelTest, ALossThatIsNotFiniteEndsTheStepEverywhere) {
  const auto config = small_config();
  ThreadJob(2).run([&](Processes& process) {
    Trainer trainer(config, open_training_data(config), torch::kCPU, &process);
    const torch::NoGradGuard no_grad;
    const auto before = trainer.model()->parameters()[1].clone();
    if (process.rank() == 1)
      trainer.model()->parameters()[0].fill_(std::numeric_limits<float>::quiet_NaN());
    const torch::AutoGradMode with_gradients(true);
    EXPECT_TRUE(holds(message_of<std::runtime_error>([&] { trainer.step(); }),
                      "step 1: got a loss of nan"));
    EXPECT_TRUE(trainer.model()->parameters()[1].equal(before));
  });
}

TEST(DataParallelTest, AProcessWithoutASequenceIsRefused) {
  auto config = small_config();
  config.sequences = 1;
  ThreadJob(2).run([&](Processes& process) {
    EXPECT_EQ(message_of<std::invalid_argument>([&] { trained(config, &process); }),
              "[Trainer] sequences: got 1, expected at least 2, one for each process");
  });
}

void run_to(int64_t step, const TrainConfig& config, const TempDir& folder, Processes* processes) {
  TrainingRun run(config, folder.path(), torch::kCPU, processes);
  while (!run.done() && run.trainer().steps_done() < step) run.step();
}

TEST(DataParallelTest, AsManyProcessesGoOnBitForBit) {
  const auto config = small_config();
  const TempDir whole, stopped;
  const auto train = [&](int64_t step, const TempDir& folder) {
    ThreadJob(2).run([&](Processes& process) { run_to(step, config, folder, &process); });
  };
  train(config.steps, whole);
  train(7, stopped);
  train(config.steps, stopped);
  for (const char* name : {"log.jsonl", "model/model.safetensors"})
    EXPECT_EQ(read_bytes(stopped / name), read_bytes(whole / name)) << name;
}

TEST(DataParallelTest, AnyNumberOfProcessesGoesOn) {
  const auto config = small_config();
  const TempDir alone;
  run_to(config.steps, config, alone, nullptr);
  const auto expected = read_training_run(alone.path()).log;
  for (const int64_t then : {1, 3}) {
    const TempDir folder;
    ThreadJob(2).run([&](Processes& process) { run_to(7, config, folder, &process); });
    EXPECT_TRUE(
        std::filesystem::exists(folder / "checkpoints/step-4/optimizer-2-of-2.safetensors"));
    if (then == 1) {
      run_to(config.steps, config, folder, nullptr);
    } else {
      ThreadJob(then).run(
          [&](Processes& process) { run_to(config.steps, config, folder, &process); });
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

// -- sums of gradients

struct Sums {
  torch::nn::Linear first{torch::nn::LinearOptions(3, 4)}, last{torch::nn::LinearOptions(4, 2)};
  torch::Tensor unused = torch::zeros({2}, torch::kDouble).requires_grad_();

  Sums() {
    for (auto* layer : {&first, &last}) {
      (*layer)->to(torch::kDouble);
      for (auto& parameter : (*layer)->parameters())
        parameter.data().copy_(at::linspace(-1, 1, parameter.numel()).view_as(parameter));
    }
  }
  std::vector<torch::Tensor> parameters() {
    auto all = first->parameters();
    for (const auto& parameter : last->parameters()) all.push_back(parameter);
    all.insert(all.begin() + 2, unused);
    return all;
  }
  void add_gradients(const torch::Tensor& rows) {
    last->forward(first->forward(rows).tanh()).square().sum().backward();
  }
};

// What counts the sums that have begun.
class CountingProcesses : public Processes {
 public:
  explicit CountingProcesses(Processes& under) : under_(under) {}
  int64_t rank() const override { return under_.rank(); }
  int64_t count() const override { return under_.count(); }
  int64_t local_rank() const override { return under_.local_rank(); }
  std::vector<std::string> gather(const std::string& mine) override { return under_.gather(mine); }
  std::function<void()> start_sum(const torch::Tensor& tensor) override {
    ++begun;
    return under_.start_sum(tensor);
  }
  std::function<void()> start_broadcast(const torch::Tensor& tensor, int64_t from) override {
    return under_.start_broadcast(tensor, from);
  }
  void meet() override { under_.meet(); }
  void check() const override { under_.check(); }

  int64_t begun = 0;

 private:
  Processes& under_;
};

TEST(GradientSumTest, IsTheGradientOfAllRowsAndBeginsDuringTheBackwardPass) {
  const auto rows = torch::randn({6, 3}, torch::kDouble);
  Sums alone;
  alone.add_gradients(rows);
  for (const int64_t bucket_bytes : {1, 100, 1 << 20}) {
    ThreadJob(2).run([&](Processes& process) {
      CountingProcesses counting(process);
      Sums sums;
      {
        detail::GradientSum gradients(sums.parameters(), counting, bucket_bytes);
        const auto mine = rows.slice(0, 3 * process.rank(), 3 * process.rank() + 3);
        sums.add_gradients(mine.slice(0, 0, 1));
        EXPECT_EQ(counting.begun, 0) << "there are more gradients to come";
        gradients.begin();
        sums.add_gradients(mine.slice(0, 1));
        const int64_t complete = bucket_bytes == 1 ? 2 : 0;  // up to the one without a gradient
        EXPECT_EQ(counting.begun, complete);
        gradients.end();
      }
      const auto seen = sums.parameters(), expected = alone.parameters();
      for (size_t index = 0; index < seen.size(); ++index) {
        if (index == 2) {
          EXPECT_FALSE(seen[index].grad().defined());
        } else {
          EXPECT_TRUE(at::allclose(seen[index].grad(), expected[index].grad(), 1e-13, 1e-13));
        }
      }
      const auto begun = counting.begun;
      sums.add_gradients(rows);
      EXPECT_EQ(counting.begun, begun) << "its hooks are gone";
    });
  }
}

}  // namespace
}  // namespace spikesink
