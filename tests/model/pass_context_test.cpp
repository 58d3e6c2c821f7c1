#include "spikesink/model/pass_context.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "tiny_model.h"

namespace spikesink {
namespace {

TEST(AlibiBiasTest, SlopesAreAGeometricSeries) {
  auto config = tiny_config();
  EXPECT_FALSE(alibi_bias(config, 5, torch::kDouble).defined());
  config.alibi = Alibi::kExact;
  config.n_heads = config.n_key_value_heads = 8;
  const auto bias = alibi_bias(config, 5, torch::kDouble);  // [8, 5]
  for (int64_t head = 0; head < 8; ++head) {
    for (int64_t position = 0; position < 5; ++position)
      EXPECT_NEAR(bias[head][position].item<double>(),
                  std::pow(2.0, -head - 1.0) * static_cast<double>(position), 1e-12);
  }
}

TEST(AlibiBiasTest, HeadsBeyondAPowerOfTwoTakeSlopesInBetween) {
  auto config = tiny_config();
  config.alibi = Alibi::kExact;
  config.n_heads = config.n_key_value_heads = 6;
  const auto slopes = alibi_bias(config, 2, torch::kDouble).select(1, 1);
  const auto expected =
      at::exp2(torch::tensor({-2.0, -4.0, -6.0, -8.0, -1.0, -3.0}, torch::kDouble));
  EXPECT_TRUE(at::allclose(slopes, expected));
}

TEST(QueryScalesTest, GrowWithTheLogarithmOfWholeIntervals) {
  auto config = tiny_config();
  EXPECT_FALSE(query_scales(config, 5, torch::kDouble).defined());
  config.query_scale = {.growth = 0.5, .interval = 2};
  const auto scales = query_scales(config, 5, torch::kDouble);
  ASSERT_EQ(scales.sizes(), (std::vector<int64_t>{5, 1, 1}));
  for (int64_t position = 0; position < 5; ++position)
    EXPECT_NEAR(scales[position].item<double>(), 1 + 0.5 * std::log(1 + position / 2), 1e-12);
}

}  // namespace
}  // namespace spikesink
