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
  const auto expected = at::linalg_vector_norm(symmetric(explicit_forms(form)), 2, {1, 2});
  for (const int64_t edge : {1, 7, 20, 39, 40, 41}) {
    EXPECT_LT(largest_relative_error(form.norms(edge), whole), 1e-12) << edge;
    for (const int64_t channel : {0, 31})
      EXPECT_NEAR(form.symmetric_norm(channel, edge) / expected[channel].item<double>(), 1, 1e-12);
  }
}

}  // namespace
}  // namespace spikesink
