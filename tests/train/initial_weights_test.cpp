#include "spikesink/train/initial_weights.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tiny_model.h"

namespace spikesink {
namespace {

double deviation_of(const torch::Tensor& weight) {
  return weight.square().mean().sqrt().item<double>();
}

TEST(InitialWeightsTest, MatricesAreNormalAndThoseThatWriteToTheStreamSmaller) {
  const torch::NoGradGuard no_grad;
  auto model = random_model();
  initialize_weights(model, 0.02, /*seed=*/5);
  const auto& layer = model->layers[1];
  EXPECT_NEAR(deviation_of(model->embedding), 0.02, 0.001);
  EXPECT_NEAR(deviation_of(layer->mlp->up->weight), 0.02, 0.002);
  EXPECT_NEAR(deviation_of(layer->attn->o->weight), 0.02 / std::sqrt(4), 0.001) << "four blocks";
  EXPECT_NEAR(deviation_of(layer->mlp->down->weight), 0.02 / std::sqrt(4), 0.001);
  EXPECT_TRUE((layer->attention_norms.input->weight == 1).all().item<bool>());
}

TEST(InitialWeightsTest, TheSeedDecidesWhateverTheDtype) {
  const torch::NoGradGuard no_grad;
  auto one = random_model(), other = random_model(),
       exact = random_model(tiny_config(), torch::kDouble);
  initialize_weights(one, 0.02, 5);
  initialize_weights(exact, 0.02, 5);
  initialize_weights(other, 0.02, 6);
  EXPECT_TRUE(exact->embedding.to(torch::kFloat).equal(one->embedding));
  EXPECT_FALSE(other->embedding.equal(one->embedding));
}

}  // namespace
}  // namespace spikesink
