#include "spikesink/model/norm.h"

#include <gtest/gtest.h>

#include "spikesink/model/fold_norm.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

struct NormTest : testing::Test {
  torch::NoGradGuard no_grad;
  HookRegistry hooks;
  torch::Tensor x = (torch::manual_seed(1), torch::randn({2, 3, 8}, torch::kDouble));
  torch::Tensor weight = torch::randn({8}, torch::kDouble);
  torch::Tensor alpha = torch::full({1}, 0.7, torch::kDouble);

  Norm norm_of(const NormConfig& config) {
    Norm norm(config, torch::IntArrayRef{8}, hooks, "n" + std::to_string(hooks.names().size()));
    norm->weight = weight;
    norm->alpha = alpha;
    return norm;
  }
};

TEST_F(NormTest, DynamicTanh) {
  auto norm = norm_of({.kind = NormKind::kDynamicTanh});
  EXPECT_TRUE(at::allclose(norm(x), (0.7 * x).tanh() * weight));
  EXPECT_THROW(fold_norm(norm, torch::ones({2, 8})), std::invalid_argument);
}

TEST_F(NormTest, Frozen) {
  auto norm = norm_of({.kind = NormKind::kFixedDivisor});
  EXPECT_TRUE(at::allclose(norm(x), 0.7 * x * weight));
  auto centred = norm_of({.kind = NormKind::kFixedDivisor, .centred = true});
  EXPECT_TRUE(at::allclose(centred(x), 0.7 * (x - x.mean(-1, true)) * weight));
  const auto matrix = torch::randn({2, 8}, torch::kDouble);
  const auto folded = fold_norm(centred, matrix);
  EXPECT_TRUE(at::allclose(at::matmul(x * 0.7, folded.t()), at::matmul(centred(x), matrix.t())));
}

TEST_F(NormTest, AReplacedOneKeepsItsPoints) {
  auto norm = norm_of({});
  torch::Tensor divisor, normalized;
  auto scope = hooks.add("*.hook_scale", [&](const torch::Tensor& value) { divisor = value; });
  scope += hooks.add("*.hook_normalized", [&](const torch::Tensor& value) { normalized = value; });
  norm(x);
  EXPECT_TRUE(at::allclose(divisor, (x.square().mean(-1, true) + 1e-5).sqrt()));
  Norm other(norm->make_replacement({.kind = NormKind::kDynamicTanh}, weight, {}, alpha));
  EXPECT_TRUE(at::allclose(other(x), (0.7 * x).tanh() * weight));
  EXPECT_TRUE(at::allclose(divisor, torch::full({2, 3, 1}, 1 / 0.7, torch::kDouble)));
  EXPECT_TRUE(at::allclose(normalized, (0.7 * x).tanh()));
}

}  // namespace
}  // namespace spikesink
