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

ModelConfig with_experts(const ExpertsConfig& experts) {
  auto config = tiny_config();
  config.layers.assign(2, {.has_experts = true});
  config.experts = experts;
  return config;
}

torch::Tensor weights_of(Transformer& model, const torch::Tensor& x) {
  torch::Tensor weights;
  const auto scope = model->hooks().add("blocks.0.mlp.hook_expert_weights",
                                        [&](const torch::Tensor& w) { weights = w.clone(); });
  model->layers[0]->experts->forward(x);
  return weights;
}

TEST(ExpertsTest, TheLeastSumReplacesASmallerOne) {
  const torch::NoGradGuard no_grad;
  ExpertsConfig experts{.count = 4, .experts_per_token = 2, .d_mlp = 6};
  experts.score = RouterScore::kSigmoid;
  experts.weight_scale = 3;
  auto model = random_model(with_experts(experts), torch::kDouble);
  const auto x = torch::randn({1, 5, model->config().d_model}, torch::kDouble);
  const auto normal = weights_of(model, x);
  EXPECT_TRUE(at::allclose(normal.sum(-1), 3 * torch::ones({1, 5}, torch::kDouble)));

  experts.least_sum = 4;  // more than two sigmoids
  auto other = random_model(with_experts(experts), torch::kDouble);
  const auto logits = at::matmul(x, other->layers[0]->experts->router->weight.t());
  const auto best = std::get<0>(at::sigmoid(logits).topk(2, -1));
  EXPECT_TRUE(at::allclose(weights_of(other, x), best * 3 / 4));
}

}  // namespace
}  // namespace spikesink
