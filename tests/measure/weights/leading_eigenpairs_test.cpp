#include "measure/weights/leading_eigenpairs.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "measure/weights/explicit_forms.h"

namespace spikesink {
namespace {

TEST(LeadingEigenpairsTest, LanczosAgreesWithADenseDecomposition) {
  torch::manual_seed(5);
  const auto matrix = symmetric(torch::randn({90, 90}, torch::kDouble));
  for (const double size : {1e-12, 1.0, 1e12}) {
    const auto product = [&](const torch::Tensor& x) { return at::matmul(size * matrix, x); };
    const auto fast = detail::leading_eigenpairs(product, 90, 20, size * 100);
    const auto dense = detail::dense_eigenpairs(product, 90, 20);
    EXPECT_LT(largest_relative_error(fast.values, dense.values), 1e-9) << size;
    EXPECT_NEAR(at::dot(fast.vector, dense.vector).abs().item<double>(), 1, 1e-9);
  }
}

}  // namespace
}  // namespace spikesink
