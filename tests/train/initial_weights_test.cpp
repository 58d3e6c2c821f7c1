#include "spikesink/train/initial_weights.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tiny_model.h"

namespace spikesink {
namespace {

double deviation_of(const torch::Tensor& weight) {
  return weight.square().mean().sqrt().item<double>();
}

// The deviation of n samples of N(0, s^2) is s with a standard error of s / sqrt(2 n). Five of
// them.
void expect_deviation(const torch::Tensor& weight, double expected) {
  EXPECT_NEAR(deviation_of(weight), expected,
              5 * expected / std::sqrt(2.0 * static_cast<double>(weight.numel())));
}

TEST(InitialWeightsTest, TheDefaultsAreTheAuthors) {
  const torch::NoGradGuard no_grad;
  auto config = tiny_config();
  config.tied_embeddings = false;
  auto model = random_model(config);
  initialize_weights(model, {}, /*seed=*/5);
  const auto& layer = model->layers[1];
  expect_deviation(model->embedding, 1);
  expect_deviation(model->unembedding, 1 / std::sqrt(static_cast<double>(config.d_model)));
  expect_deviation(layer->attn->q->weight, 0.02);
  expect_deviation(layer->mlp->up->weight, 0.02);
  expect_deviation(layer->attn->o->weight, 0.02);
  expect_deviation(layer->mlp->down->weight, 0.02);
  EXPECT_TRUE((layer->attention_norms.input->weight == 1).all().item<bool>());
}

TEST(InitialWeightsTest, DepthMakesMatricesThatWriteToTheStreamSmaller) {
  const torch::NoGradGuard no_grad;
  auto model = random_model();
  initialize_weights(model, {.scale_by_depth = true}, /*seed=*/5);
  const auto& layer = model->layers[1];
  expect_deviation(layer->attn->q->weight, 0.02);
  expect_deviation(layer->attn->o->weight, 0.02 / 2);  // four blocks
  expect_deviation(layer->mlp->down->weight, 0.02 / 2);
}

TEST(InitialWeightsTest, DynamicTanhAndGatesHaveTheirOwn) {
  const torch::NoGradGuard no_grad;
  auto config = tiny_config();
  config.norm.kind = NormKind::kDynamicTanh;
  config.gate = {GateInput::kPosition, GateWidth::kChannel};
  auto model = random_model(config);
  initialize_weights(model, {.matrix_deviation = 0.5, .gate_deviation = 0.03}, /*seed=*/5);
  const auto& layer = model->layers[1];
  EXPECT_FLOAT_EQ(layer->attention_norms.input->alpha.item<float>(), 0.8F);
  EXPECT_FLOAT_EQ(layer->feed_forward_norms.input->alpha.item<float>(), 0.2F);
  expect_deviation(layer->attn->gate->logits, 0.03);
}

TEST(InitialWeightsTest, TheSeedDecidesWhateverTheDtype) {
  const torch::NoGradGuard no_grad;
  auto one = random_model(), other = random_model(),
       exact = random_model(tiny_config(), torch::kDouble);
  initialize_weights(one, {}, 5);
  initialize_weights(exact, {}, 5);
  initialize_weights(other, {}, 6);
  EXPECT_TRUE(exact->embedding.to(torch::kFloat).equal(one->embedding));
  EXPECT_FALSE(other->embedding.equal(one->embedding));
}

}  // namespace
}  // namespace spikesink
