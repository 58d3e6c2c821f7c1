#include "spikesink/model/feed_forward.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tiny_model.h"

namespace spikesink {
namespace {

struct FeedForwardTest : testing::Test {
  torch::NoGradGuard no_grad;
  torch::Tensor x = random_states();

  static torch::Tensor random_states() {
    torch::manual_seed(3);
    return torch::randn({2, 7, tiny_config().d_model}, torch::kDouble);
  }
};

TEST_F(FeedForwardTest, ActivationsAreTheirFormulas) {
  const auto normal = 0.5 * (1 + at::erf(x / std::sqrt(2.0)));
  const auto tanh = at::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x.pow(3)));
  const auto expect = [&](Activation kind, const torch::Tensor& expected) {
    EXPECT_TRUE(at::allclose(activate({.kind = kind}, x), expected, 1e-12, 1e-12))
        << to_string(kind);
  };
  expect(Activation::kSilu, x / (1 + at::exp(-x)));
  expect(Activation::kGelu, x * normal);
  expect(Activation::kGeluTanh, 0.5 * x * (1 + tanh));
  expect(Activation::kQuickGelu, x / (1 + at::exp(-1.702 * x)));
  expect(Activation::kRelu, at::where(x > 0, x, 0));
  expect(Activation::kReluSquared, at::where(x > 0, x * x, 0));
  EXPECT_THROW(activate({.kind = Activation::kXielu}, x), std::invalid_argument);
}

TEST_F(FeedForwardTest, XieluHasItsParameters) {
  auto config = tiny_config();
  config.gated = false;
  config.activation.kind = Activation::kXielu;
  auto model = random_model(config, torch::kDouble);
  auto& mlp = model->layers[0]->mlp;
  const double alpha_p = 0.3, alpha_n = -0.4, beta = 0.5, eps = -1e-6;
  mlp->xielu.alpha_p.fill_(alpha_p);
  mlp->xielu.alpha_n.fill_(alpha_n);
  mlp->xielu.beta.fill_(beta);
  mlp->xielu.eps.fill_(eps);
  const auto softplus = [](double value) { return std::log1p(std::exp(value)); };
  const auto pre = at::matmul(x, mlp->up->weight.t());
  const auto negative =
      (beta + softplus(alpha_n)) * (at::expm1(pre.clamp_max(eps)) - pre) + beta * pre;
  const auto inner = at::where(pre > 0, softplus(alpha_p) * pre * pre + beta * pre, negative);
  const auto expected = at::matmul(inner, mlp->down->weight.t());
  EXPECT_TRUE(at::allclose(mlp->forward(x), expected, 1e-12, 1e-12));
}

TEST_F(FeedForwardTest, GatedItIsEquation12) {
  auto config = tiny_config();
  for (const double clamp : {0.0, 0.5}) {
    config.mlp_clamp = clamp;
    config.up_offset = clamp == 0 ? 0 : 1;
    auto model = random_model(config, torch::kDouble);
    auto& mlp = model->layers[0]->mlp;
    auto gate = at::matmul(x, mlp->gate->weight.t()), up = at::matmul(x, mlp->up->weight.t());
    if (clamp > 0) {
      gate = gate.clamp_max(clamp);
      up = up.clamp(-clamp, clamp) + 1;
    }
    const auto expected = at::matmul(at::silu(gate) * up, mlp->down->weight.t());
    EXPECT_TRUE(at::allclose(mlp->forward(x), expected, 1e-12, 1e-12)) << clamp;
  }
}

TEST_F(FeedForwardTest, WithoutAGateItHasTwoMatrices) {
  auto config = tiny_config();
  config.gated = false;
  config.mlp_bias = true;
  auto model = random_model(config, torch::kDouble);
  auto& mlp = model->layers[0]->mlp;
  const auto inner = at::silu(at::matmul(x, mlp->up->weight.t()) + mlp->up->bias);
  const auto expected = at::matmul(inner, mlp->down->weight.t()) + mlp->down->bias;
  EXPECT_TRUE(at::allclose(mlp->forward(x), expected, 1e-12, 1e-12));
  EXPECT_THROW(model->hooks().matching_names("blocks.0.mlp.hook_act"), std::invalid_argument);
}

}  // namespace
}  // namespace spikesink
