// A folded matrix against the norm it stands for.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "message_of.h"
#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/fold_norm.h"

namespace spikesink {
namespace {

constexpr int64_t kWidth = 12;

struct FoldCase {
  const char* name;
  NormConfig config;
};

void PrintTo(const FoldCase& fold, std::ostream* out) {
  *out << fold.name;
}

class FoldNormTest : public testing::TestWithParam<FoldCase> {
 protected:
  torch::NoGradGuard no_grad;
  HookRegistry hooks;

  Norm random_norm(torch::Dtype dtype) {
    torch::manual_seed(3);
    Norm norm(GetParam().config, kWidth, hooks, "ln");
    for (auto& parameter : norm->parameters())
      parameter.set_data(torch::randn(parameter.sizes(), torch::kDouble).to(dtype));
    return norm;
  }
};

TEST_P(FoldNormTest, EqualsTheNormFollowedByTheMatrix) {
  auto norm = random_norm(torch::kDouble);
  const auto weight = torch::randn({5, kWidth}, torch::kDouble);
  const auto h = torch::randn({7, kWidth}, torch::kDouble) + 2;
  auto divisor = torch::ones({7, 1}, torch::kDouble);
  HookScope scope;
  if (GetParam().config.kind != NormKind::kNone)
    scope = hooks.add("ln.hook_scale", [&](const torch::Tensor& scale) { divisor = scale; });
  auto expected = at::linear(norm(h), weight);
  if (norm->bias.defined()) expected = expected - at::mv(weight, norm->bias);
  const auto folded = fold_norm(norm, weight);
  EXPECT_TRUE(at::linear(h / divisor, folded).allclose(expected, 1e-12, 1e-12));
}

TEST_P(FoldNormTest, IsComputedInFloat32OrBetter) {
  auto norm = random_norm(torch::kBFloat16);
  const auto weight = torch::randn({5, kWidth}).to(torch::kBFloat16);
  const auto folded = fold_norm(norm, weight);
  EXPECT_EQ(folded.scalar_type(), torch::kFloat);
  norm->to(torch::kDouble);
  EXPECT_TRUE(
      folded.to(torch::kDouble).allclose(fold_norm(norm, weight.to(torch::kDouble)), 1e-6, 1e-6));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, FoldNormTest,
    testing::Values(FoldCase{"rms", {}}, FoldCase{"rms_without_scale", {.has_scale = false}},
                    FoldCase{"gemma", {.scale_plus_one = true}},
                    FoldCase{"layer", {.kind = NormKind::kLayerNorm, .has_bias = true}},
                    FoldCase{"layer_without_scale",
                             {.kind = NormKind::kLayerNorm, .has_scale = false}},
                    FoldCase{"none", {.kind = NormKind::kNone}}),
    testing::PrintToStringParamName());

TEST(FoldNormErrorsTest, AMatrixOfAnotherWidthIsRefused) {
  HookRegistry hooks;
  const Norm norm(NormConfig{}, kWidth, hooks, "ln");
  const auto message = message_of<std::invalid_argument>([&] {
    fold_norm(norm, torch::zeros({5, kWidth + 1}));
  });
  EXPECT_TRUE(contains(message, "got the shape [5, 13]"));
}

}  // namespace
}  // namespace spikesink
