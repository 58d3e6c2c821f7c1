#include "train/gradient_sum.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "threads_as_processes.h"

namespace spikesink {
namespace {

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
class CountingProcesses : public ProcessGroup {
 public:
  explicit CountingProcesses(ProcessGroup& under) : under_(under) {}
  int64_t rank() const override { return under_.rank(); }
  int64_t world_size() const override { return under_.world_size(); }
  int64_t local_rank() const override { return under_.local_rank(); }
  std::vector<std::string> all_gather(const std::string& mine) override {
    return under_.all_gather(mine);
  }
  std::function<void()> start_all_reduce(const torch::Tensor& tensor) override {
    ++begun;
    return under_.start_all_reduce(tensor);
  }
  std::function<void()> start_broadcast(const torch::Tensor& tensor, int64_t from) override {
    return under_.start_broadcast(tensor, from);
  }
  void barrier() override { under_.barrier(); }
  void check_alive() const override { under_.check_alive(); }

  int64_t begun = 0;

 private:
  ProcessGroup& under_;
};

TEST(GradientSumTest, IsTheGradientOfAllRowsAndBeginsDuringTheBackwardPass) {
  const auto rows = torch::randn({6, 3}, torch::kDouble);
  Sums alone;
  alone.add_gradients(rows);
  for (const int64_t bucket_bytes : {1, 100, 1 << 20}) {
    ThreadJob(2).run([&](ProcessGroup& process) {
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
