#include "measure/spikes/activation_linearity.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace spikesink {
namespace {

TEST(ActivationLinearityTest, RowsOfAnyWidth) {
  torch::manual_seed(7);
  for (const int64_t width : {1, 15, 16, 33, 1000}) {
    const auto x = torch::randn({3, 5, width}, torch::kDouble);
    const auto y = at::silu(x);
    const auto rows = detail::activation_linearity(x, y);
    const auto cosines = (x * y).sum(-1) / (x.norm(2, -1) * y.norm(2, -1));
    ASSERT_EQ(rows.size(), 15u);
    for (int64_t row = 0; row < 15; ++row) {
      EXPECT_NEAR(rows[row].cosine, cosines.flatten()[row].item<double>(), 1e-12);
      EXPECT_NEAR(rows[row].ratio, (y.norm(2, -1) / x.norm(2, -1)).flatten()[row].item<double>(),
                  1e-12);
    }
  }
}

}  // namespace
}  // namespace spikesink
