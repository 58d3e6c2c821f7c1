// That scaled tables are transformers' own is shown by architectures_test.cpp.

#include "spikesink/model/rope_table.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace spikesink {
namespace {

const auto kDouble = torch::TensorOptions(torch::kDouble);

// x of one sequence and one head, [1, T, 1, d_head]
torch::Tensor repeated(const torch::Tensor& vector, int64_t length) {
  return vector.view({1, 1, 1, -1}).expand({1, length, 1, vector.numel()});
}

TEST(RotaryTest, PairsOfHalvesTurnByTheirFrequency) {
  torch::manual_seed(6);
  const auto x = torch::randn({8}, torch::kDouble);
  const auto turned = make_rope_table({.theta = 100}, 8, 5, kDouble).apply(repeated(x, 5));
  for (int64_t position = 0; position < 5; ++position) {
    for (int64_t pair = 0; pair < 4; ++pair) {
      const double angle = static_cast<double>(position) * std::pow(100, -2.0 * pair / 8);
      const double a = x[pair].item<double>(), b = x[pair + 4].item<double>();
      const auto token = turned[0][position][0];
      EXPECT_NEAR(token[pair].item<double>(), a * std::cos(angle) - b * std::sin(angle), 1e-12);
      EXPECT_NEAR(token[pair + 4].item<double>(), b * std::cos(angle) + a * std::sin(angle), 1e-12);
    }
  }
}

TEST(RotaryTest, DotProductsDependOnTheDistanceAlone) {
  torch::manual_seed(7);
  const auto table = make_rope_table({}, 16, 12, kDouble);
  const auto q = table.apply(repeated(torch::randn({16}, torch::kDouble), 12)).squeeze();
  const auto k = table.apply(repeated(torch::randn({16}, torch::kDouble), 12)).squeeze();
  const auto products = at::mm(q, k.t());  // [12, 12]
  for (int64_t distance = -11; distance < 12; ++distance) {
    const auto same = products.diagonal(distance);
    EXPECT_TRUE(at::allclose(same, same[0].expand_as(same), 1e-10, 1e-12)) << distance;
  }
}

TEST(RotaryTest, OnlyTheFirstDimensionsTurnAndPositionsMayStartLater) {
  torch::manual_seed(8);
  const auto x = torch::randn({1, 9, 2, 8}, torch::kDouble);
  const auto table = make_rope_table({.dimensions = 4}, 8, 9, kDouble);
  const auto turned = table.apply(x);
  EXPECT_TRUE(turned.slice(-1, 4).equal(x.slice(-1, 4)));
  EXPECT_FALSE(turned.slice(-1, 0, 4).equal(x.slice(-1, 0, 4)));
  EXPECT_TRUE(table.apply(x.slice(1, 5), 5).equal(turned.slice(1, 5)));
}

TEST(RotaryTest, ScalingReachesBeyondTheTrainedContext) {
  const auto frequencies = [](const RopeScaling& scaling, int64_t length) {
    return rope_frequencies({.scaling = scaling}, 8, length, torch::kDouble);
  };
  const auto plain = frequencies({}, 10);
  EXPECT_TRUE(
      at::allclose(frequencies({.kind = RopeScalingKind::kLinear, .factor = 4}, 10), plain / 4));
  const RopeScaling dynamic{.kind = RopeScalingKind::kDynamic, .factor = 2, .original_context = 16};
  EXPECT_TRUE(at::allclose(frequencies(dynamic, 16), plain)) << "within the trained context";
  EXPECT_TRUE((frequencies(dynamic, 64) <= plain).all().item<bool>());
  EXPECT_LT(frequencies(dynamic, 64)[3].item<double>(), frequencies(dynamic, 32)[3].item<double>());
  for (const auto kind : {RopeScalingKind::kLlama3, RopeScalingKind::kYarn}) {
    const auto scaled = frequencies({.kind = kind, .factor = 4, .original_context = 32}, 10);
    EXPECT_TRUE((scaled <= plain * (1 + 1e-12)).all().item<bool>()) << to_string(kind);
    EXPECT_TRUE((scaled >= plain / 4 * (1 - 1e-12)).all().item<bool>()) << to_string(kind);
    EXPECT_NEAR((scaled[3] / plain[3]).item<double>(), 0.25, 1e-12) << "the longest wavelength";
  }
  const RopeScaling own{.kind = RopeScalingKind::kFactors,
                        .original_context = 16,
                        .short_factors = {1, 1, 2, 2},
                        .long_factors = {1, 2, 4, 8}};
  EXPECT_TRUE(
      at::allclose(plain / frequencies(own, 16), torch::tensor(own.short_factors, torch::kDouble)));
  EXPECT_TRUE(
      at::allclose(plain / frequencies(own, 17), torch::tensor(own.long_factors, torch::kDouble)));
}

}  // namespace
}  // namespace spikesink
