#include "measure/weights/gated_form.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "measure/weights/explicit_forms.h"
#include "measure/weights/layer_forms.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

TEST(GatedFormTest, TilesOfAnySizeGiveTheSameNorms) {
  const torch::NoGradGuard no_grad;
  const auto model = random_model(tiny_config(), torch::kDouble);
  const auto form = detail::LayerForms(*model, 0).form(0);
  const auto whole = form.norms();
  for (const int64_t edge : {1, 7, 20, 39, 40, 41})
    EXPECT_LT(largest_relative_error(form.norms(edge), whole), 1e-12) << edge;
}

TEST(GatedFormTest, SymmetricFormsAreThoseOfTheDefinition) {
  const torch::NoGradGuard no_grad;
  const auto model = random_model(tiny_config(), torch::kDouble);
  const auto form = detail::LayerForms(*model, 0).form(0);
  const auto expected = symmetric(explicit_forms(form));
  for (const int64_t channel : {0, 31})
    EXPECT_TRUE(form.symmetric(channel).allclose(expected[channel], 1e-12, 1e-14));
}

TEST(GatedFormTest, TermsMakeTheValueOfTheForm) {
  const torch::NoGradGuard no_grad;
  const auto model = random_model(tiny_config(), torch::kDouble);
  const auto form = detail::LayerForms(*model, 0).form(0);
  const auto x = torch::randn({form.gate.size(1)}, torch::kDouble);
  const detail::FormTerms terms(form);
  const auto products = terms.gate_and_up(x);
  const auto outputs = terms.outputs(products);
  for (const int64_t channel : {0, 31}) {
    const double value = at::dot(x, at::mv(form.symmetric(channel), x)).item<double>();
    EXPECT_NEAR(outputs[channel].item<double>(), value, 1e-10);
    EXPECT_NEAR(terms.contributions(channel, products).sum().item<double>(), value, 1e-10);
  }
}

TEST(GatedFormTest, CosinesAreThoseOfTheRows) {
  torch::manual_seed(3);
  for (const auto dtype : {torch::kFloat, torch::kDouble}) {
    detail::GatedForm form{torch::randn({50, 32}, dtype), torch::randn({50, 32}, dtype), {}};
    form.up[7] = -2 * form.gate[7];
    form.gate[9].zero_();
    const auto cosines = form.gate_up_cosines();
    const auto expected =
        at::cosine_similarity(form.gate.to(torch::kDouble), form.up.to(torch::kDouble), 1).abs();
    EXPECT_EQ(cosines.scalar_type(), torch::kDouble);
    EXPECT_NEAR(cosines[7].item<double>(), 1, 1e-6);
    EXPECT_TRUE(cosines[9].isnan().item<bool>());
    EXPECT_TRUE(
        at::allclose(cosines.nan_to_num(0), expected, 0, dtype == torch::kFloat ? 1e-6 : 1e-14));
  }
}

}  // namespace
}  // namespace spikesink
