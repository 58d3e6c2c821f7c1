// The reduction that never forms the probabilities, against log_softmax.

#include "measure/practice/cross_entropy.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <numeric>

namespace spikesink {
namespace {

// In two parts, the later one first.
double cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) {
  const int64_t middle = logits.size(1) / 3;
  detail::CrossEntropy entropy(targets);
  entropy.add(logits.slice(1, middle), middle);
  if (middle > 0) entropy.add(logits.slice(1, 0, middle));
  const auto losses = entropy.losses();
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

TEST(CrossEntropyTest, AgreesWithLogSoftmax) {
  torch::manual_seed(4);
  for (const auto dtype : {torch::kFloat, torch::kDouble, torch::kBFloat16}) {
    for (const int64_t vocabulary : {1, 7, 1000}) {
      const auto logits = (8 * torch::randn({33, vocabulary})).to(dtype);
      auto targets = torch::randint(vocabulary, {33}, torch::kLong);
      targets[5] = targets[32] = -1;
      const auto losses = -at::log_softmax(logits.to(torch::kDouble), -1)
                               .gather(1, targets.clamp_min(0).unsqueeze(1))
                               .squeeze(1);
      const double expected = losses.masked_select(targets >= 0).sum().item<double>();
      EXPECT_NEAR(cross_entropy(logits, targets), expected, 1e-4 + 1e-6 * expected);
    }
  }
}

TEST(CrossEntropyTest, LargeLogitsDoNotOverflow) {
  const auto logits = torch::tensor({{1e4, 1e4 - 1, 0.0}}, torch::kFloat);
  EXPECT_TRUE(std::isnan(cross_entropy(torch::tensor({{1.f, NAN, 0.f}}), torch::tensor({0}))));
  EXPECT_NEAR(cross_entropy(torch::tensor({{-INFINITY, 1.f, 1.f}}), torch::tensor({2})),
              std::log(2.0), 1e-6);
  EXPECT_NEAR(cross_entropy(logits, torch::tensor({1})), 1 + std::log1p(std::exp(-1.0)), 1e-6);
}

}  // namespace
}  // namespace spikesink
