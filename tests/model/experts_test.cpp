#include "spikesink/model/experts.h"

#include <gtest/gtest.h>

#include "tiny_model.h"

namespace spikesink {
namespace {

TEST(ExpertsTest, EachTokenPassesItsChosenOnesAndTheSharedOne) {
  const torch::NoGradGuard no_grad;
  for (const bool renormalized : {false, true}) {
    auto config = tiny_config();
    config.layers.assign(2, {.has_experts = true});
    config.experts = {.count = 4,
                      .experts_per_token = 2,
                      .d_mlp = 12,
                      .d_shared = 10,
                      .renormalized = renormalized};
    auto model = random_model(config, torch::kDouble);
    auto& experts = model->layers[1]->experts;
    torch::manual_seed(4);
    const auto x = torch::randn({2, 5, config.d_model}, torch::kDouble);
    const auto out = experts->forward(x);
    const auto probabilities = at::softmax(at::matmul(x, experts->router->weight.t()), -1);
    for (int64_t row = 0; row < 2; ++row) {
      for (int64_t position = 0; position < 5; ++position) {
        const auto token = x[row][position];
        const auto [order, indices] = probabilities[row][position].sort(-1, /*descending=*/true);
        const auto total = renormalized ? order[0] + order[1] : torch::ones({}, torch::kDouble);
        auto expected = experts->shared->forward(token) *
                        at::sigmoid(at::matmul(experts->shared_expert_gate->weight, token));
        for (int64_t rank = 0; rank < 2; ++rank) {
          auto& expert = experts->experts[indices[rank].item<int64_t>()];
          expected = expected + expert->forward(token) * order[rank] / total;
        }
        EXPECT_TRUE(at::allclose(out[row][position], expected, 1e-10, 1e-12));
      }
    }
  }
}

}  // namespace
}  // namespace spikesink
