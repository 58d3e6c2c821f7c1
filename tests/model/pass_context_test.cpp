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

}  // namespace
}  // namespace spikesink
