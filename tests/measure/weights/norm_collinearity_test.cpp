#include "spikesink/measure/weights/norm_collinearity.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "message_of.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

void expect_cosines(const std::vector<float>& got, const torch::Tensor& table,
                    const torch::Tensor& direction) {
  const auto expected =
      at::cosine_similarity(table.to(torch::kDouble), direction.to(torch::kDouble).unsqueeze(0), 1);
  EXPECT_TRUE(at::allclose(torch::tensor(got, torch::kDouble), expected, 1e-5, 1e-6));
}

TEST(NormCollinearityTest, OfEveryEntryWithTheFirstScale) {
  auto config = tiny_config();
  config.d_vocabulary = 2500;  // more than is taken at a time
  auto model = random_model(config);
  expect_cosines(norm_collinearity(model).cosines, model->embedding,
                 model->layers[0]->attention_norms.input->weight);
  const auto direction = torch::randn(config.d_model);
  expect_cosines(embedding_cosines(model, direction), model->embedding, direction);
}

TEST(NormCollinearityTest, TheScaleIsWhatTheNormMultipliesWith) {
  auto config = tiny_config();
  config.norm.scale_plus_one = true;
  auto model = random_model(config, torch::kBFloat16);
  expect_cosines(norm_collinearity(model).cosines, model->embedding,
                 model->layers[0]->attention_norms.input->weight.to(torch::kFloat) + 1);
}

TEST(NormCollinearityTest, ANormOfTheEmbeddingComesFirst) {
  auto config = tiny_config();
  config.embedding_norm = {.kind = NormKind::kLayerNorm};
  auto model = random_model(config);
  expect_cosines(norm_collinearity(model).cosines, model->embedding, model->embedding_norm->weight);
}

TEST(NormCollinearityTest, ANarrowEmbeddingIsProjected) {
  auto config = tiny_config();
  config.d_embedding = 12;
  auto model = random_model(config);
  const torch::NoGradGuard no_grad;
  expect_cosines(norm_collinearity(model).cosines, model->project_in(model->embedding),
                 model->layers[0]->attention_norms.input->weight);
}

TEST(NormCollinearityTest, ModelsWithoutSuchAScale) {
  auto config = tiny_config();
  config.norm.has_scale = false;
  EXPECT_TRUE(norm_collinearity(random_model(config)).cosines.empty());
  config = tiny_config();
  for (const auto placement : {NormPlacement::kOutput, NormPlacement::kPost}) {
    config.norm_placement = placement;
    EXPECT_TRUE(norm_collinearity(random_model(config)).cosines.empty());
  }
}

TEST(NormCollinearityTest, ADirectionIsOfTheModelsWidth) {
  const auto model = random_model();
  const auto message = message_of<std::invalid_argument>([&] {
    embedding_cosines(model, torch::ones({1, 32}));
  });
  EXPECT_TRUE(contains(message, "direction: got [1, 32], expected [32]"));
}

}  // namespace
}  // namespace spikesink
