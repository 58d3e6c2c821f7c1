// Theorem B.2 and eqs. 23-25 on constructed weights.

#include <gtest/gtest.h>

#include <cmath>

#include "measure/weights/amplifier.h"
#include "measure/weights/explicit_forms.h"
#include "measure/weights/layer_forms.h"

namespace spikesink {
namespace {

struct AmplifierTest : Amplifier {};

TEST_F(AmplifierTest, ADominatedFormIsTheSquareOfACosine) {
  auto model = quiet_model();
  plant(model, 1, 7, 5, -40);
  const auto result = quadratic_form(model);
  ASSERT_EQ(result.outliers().size(), 1u);
  const auto& form = *result.outliers()[0].form;
  EXPECT_EQ(form.channel, 5);
  EXPECT_NEAR(form.leading_eigenvalue(), -40, 0.5);
  EXPECT_GT(form.dominance, 0.99);
  EXPECT_NEAR(at::dot(form.trigger, trigger).item<double>(), 1, 1e-3) << "its gate opens";
  EXPECT_EQ(form.super_weights[0].column, 7);
  EXPECT_EQ(form.super_weights[0].weight, -40);
  EXPECT_NEAR(form.super_weights[0].share, 1, 0.01);
  EXPECT_NEAR(form.super_weights[0].gate_up->cosine, 1, 1e-6) << "its rows are the same";
  EXPECT_EQ(form.super_weights[0].gate_up->percentile, 100);
  EXPECT_LT(result.blocks[1].other_units->largest, 0.7);
  EXPECT_FALSE(result.blocks[0].other_units) << "it has no outlier";
  const auto s = symmetric(explicit_forms(detail::LayerForms(*model, 1).form(0)))[5];
  for (const double lean : {0.0, 0.3, 1.0, 100.0}) {
    auto h = torch::randn({kAmplifierWidth}, torch::kDouble) / std::sqrt(kAmplifierWidth) +
             lean * trigger;
    h *= std::sqrt(kAmplifierWidth) / h.norm();
    const double cosine = at::dot(form.trigger, h / h.norm()).item<double>();
    EXPECT_NEAR(at::dot(h, at::mv(s, h)).item<double>(),
                form.leading_eigenvalue() * kAmplifierWidth * cosine * cosine,
                0.01 * std::abs(form.leading_eigenvalue()) * kAmplifierWidth);
  }
  const auto peak = std::sqrt(kAmplifierWidth) * form.trigger;
  EXPECT_NEAR(
      at::dot(peak, at::mv(s, peak)).item<double>() / (form.leading_eigenvalue() * kAmplifierWidth),
      1, 1e-6);
}

TEST_F(AmplifierTest, TheNormMakesSpikesBoundedSparseAndConstant) {
  HookRegistry hooks;
  Norm norm(NormConfig{.has_scale = false}, kAmplifierWidth, hooks, "ln");
  const auto before = torch::randn({20, kAmplifierWidth}, torch::kDouble);
  auto spikes = before.clone();
  spikes.select(1, 5) += 5000 * (1 + 0.1 * torch::rand({20}, torch::kDouble));
  spikes.select(1, 9) -= 2500 * (1 + 0.1 * torch::rand({20}, torch::kDouble));
  const auto normed = norm(spikes);
  const auto rest = normed.index_select(1, torch::arange(10, kAmplifierWidth));
  EXPECT_LE(normed.abs().max().item<double>(), std::sqrt(kAmplifierWidth));
  EXPECT_LT(rest.abs().max().item<double>(), 0.01 * std::sqrt(kAmplifierWidth));
  const auto least_cosine = [](const torch::Tensor& states) {
    const auto units = states / states.norm(2, {1}, true);
    return at::mm(units, units.t()).min().item<double>();
  };
  EXPECT_LT(least_cosine(norm(before)), 0.1);
  EXPECT_GT(least_cosine(normed), 0.99);
}

}  // namespace
}  // namespace spikesink
