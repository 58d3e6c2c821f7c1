#include "spikesink/measure/practice/kurtosis.h"

#include <gtest/gtest.h>

#include <cmath>

#include "measure/measured_model.h"

namespace spikesink {
namespace {

struct KurtosisTest : MeasuredModel {
  KurtosisTest() : MeasuredModel(torch::kDouble) {}
};

TEST_F(KurtosisTest, IsThatOfWholeTensors) {
  Kurtosis kurtosis;
  run(model, batches, {&kurtosis});
  const auto result = kurtosis.result();
  auto cache = all_of("blocks.*.hook_resid_post");
  ASSERT_EQ(result.size(), 2u);
  for (size_t layer = 0; layer < 2; ++layer) {
    const auto x = cache["blocks." + std::to_string(layer) + ".hook_resid_post"];
    const auto centred = x - x.mean();
    const auto expected = centred.pow(4).mean() / centred.square().mean().square();
    EXPECT_NEAR(result[layer], expected.item<double>(), 1e-9) << layer;
  }
}

TEST_F(KurtosisTest, TwoPassesMerge) {
  const auto [once, merged] = once_and_merged<Kurtosis>();
  const auto a = once.result(), b = merged.result();
  ASSERT_EQ(a.size(), b.size());
  for (size_t layer = 0; layer < a.size(); ++layer) EXPECT_NEAR(a[layer], b[layer], 1e-9);
}

TEST_F(KurtosisTest, OfEqualValuesIsNotANumber) {
  const auto scope = model->hooks().add(
      "blocks.1.hook_resid_post", [](const torch::Tensor& x) { return torch::full_like(x, 2); });
  Kurtosis kurtosis;
  run(model, batches, {&kurtosis});
  EXPECT_TRUE(std::isfinite(kurtosis.result()[0]));
  EXPECT_TRUE(std::isnan(kurtosis.result()[1]));
}

}  // namespace
}  // namespace spikesink
