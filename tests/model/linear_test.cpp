#include "spikesink/model/linear.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace spikesink {
namespace {

TEST(LinearTest, IsTheProductWithTheTransposedWeightPlusTheBias) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(2);
  const auto x = torch::randn({2, 3, 5}, torch::kDouble);
  for (const bool has_bias : {false, true}) {
    Linear linear(5, 4, has_bias);
    EXPECT_EQ(linear->weight.sizes(), (std::vector<int64_t>{4, 5}));
    EXPECT_EQ(linear->bias.defined(), has_bias);
    linear->weight = torch::randn({4, 5}, torch::kDouble);
    auto expected = at::matmul(x, linear->weight.t());
    if (has_bias) {
      linear->bias = torch::randn({4}, torch::kDouble);
      expected = expected + linear->bias;
    }
    EXPECT_TRUE(at::allclose(linear(x), expected, 1e-12, 1e-12));
  }
}

}  // namespace
}  // namespace spikesink
