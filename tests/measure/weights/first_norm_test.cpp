#include "spikesink/measure/weights/first_norm.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

torch::Tensor wide(const torch::Tensor& x) {
  return x.detach().to(torch::kDouble);
}

void expect_near(const std::vector<float>& got, const torch::Tensor& expected) {
  EXPECT_TRUE(at::allclose(torch::tensor(got, torch::kDouble), expected, 1e-5, 1e-6));
}

torch::Tensor cosines_of(const torch::Tensor& table, const torch::Tensor& direction) {
  return at::cosine_similarity(wide(table), wide(direction).unsqueeze(0), 1);
}

/// ||scale * x / sqrt(mean x^2 + epsilon) + bias||_2 of each row.
torch::Tensor l2_norms_of(const torch::Tensor& x, const torch::Tensor& scale, double epsilon,
                          const torch::Tensor& bias = torch::zeros({1}, torch::kDouble)) {
  const auto divisor = (x.square().mean(1, /*keepdim=*/true) + epsilon).sqrt();
  return (x / divisor * scale + bias).norm(2, {1});
}

TEST(FirstNormTest, OfEveryEntry) {
  auto config = tiny_config();
  config.d_vocabulary = 2500;  // more than is taken at a time
  auto model = random_model(config);
  const auto& norm = model->layers[0]->attention_norms.input;
  const auto result = first_norm(model).value();
  EXPECT_EQ(result.norm, "blocks.0.ln1");
  expect_near(result.cosines, cosines_of(model->embedding, norm->weight));
  expect_near(result.l2_norms,
              l2_norms_of(wide(model->embedding), wide(norm->weight), norm->config().epsilon));
  const auto direction = torch::randn(config.d_model);
  expect_near(embedding_cosines(model, direction), cosines_of(model->embedding, direction));
}

TEST(FirstNormTest, AnEmbeddingAlongALargeScaleIsElevated) {
  auto model = random_model();
  const torch::NoGradGuard no_grad;
  auto& scale = model->layers[0]->attention_norms.input->weight;
  scale.fill_(0.1);
  scale.slice(0, 0, 3).fill_(2);
  model->embedding[7] = 5 * scale;
  const auto result = first_norm(model).value();
  EXPECT_NEAR(result.cosines[7], 1, 1e-6);
  EXPECT_EQ(
      std::max_element(result.l2_norms.begin(), result.l2_norms.end()) - result.l2_norms.begin(),
      7);
}

TEST(FirstNormTest, ItIsWhatLayerZeroReads) {
  for (const bool embedding_norm : {false, true}) {
    auto config = tiny_config();
    config.embedding_multiplier = 0.01;  // so that epsilon counts
    if (embedding_norm) {
      config.norm = {.kind = NormKind::kLayerNorm, .has_bias = true};
      config.embedding_norm = config.norm;
      config.norm_placement = NormPlacement::kPost;
    }
    auto model = random_model(config);
    const auto result = first_norm(model).value();
    EXPECT_EQ(result.norm, embedding_norm ? "embed.ln" : "blocks.0.ln1");
    const auto point = hook_names::layer_hook_name(0, hook_names::kAttentionIn);
    const auto ids = at::arange(config.d_vocabulary, torch::kLong).unsqueeze(0);
    const auto read = run_with_cache(model, ids, {point})[point][0];
    expect_near(result.l2_norms, wide(read).norm(2, {1}));
  }
}

TEST(FirstNormTest, TheScaleIsWhatTheNormMultipliesWith) {
  auto config = tiny_config();
  config.norm.scale_plus_one = true;
  auto model = random_model(config, torch::kBFloat16);
  const auto& norm = model->layers[0]->attention_norms.input;
  const auto result = first_norm(model).value();
  expect_near(result.cosines, cosines_of(model->embedding, wide(norm->weight) + 1));
  expect_near(result.l2_norms,
              l2_norms_of(wide(model->embedding), wide(norm->weight) + 1, norm->config().epsilon));
}

TEST(FirstNormTest, ANormOfTheEmbeddingComesFirst) {
  auto config = tiny_config();
  config.embedding_norm = {.kind = NormKind::kLayerNorm, .has_bias = true};
  auto model = random_model(config);
  const auto& norm = model->embedding_norm;
  const auto centred = wide(model->embedding) - wide(model->embedding).mean(1, /*keepdim=*/true);
  const auto result = first_norm(model).value();
  expect_near(result.cosines, cosines_of(model->embedding, norm->weight));
  expect_near(result.l2_norms,
              l2_norms_of(centred, wide(norm->weight), norm->config().epsilon, wide(norm->bias)));
}

TEST(FirstNormTest, ANarrowEmbeddingIsProjected) {
  auto config = tiny_config();
  config.d_embedding = 12;
  auto model = random_model(config);
  const torch::NoGradGuard no_grad;
  const auto& norm = model->layers[0]->attention_norms.input;
  const auto rows = model->project_in(model->embedding);
  const auto result = first_norm(model).value();
  expect_near(result.cosines, cosines_of(rows, norm->weight));
  expect_near(result.l2_norms, l2_norms_of(wide(rows), wide(norm->weight), norm->config().epsilon));
}

TEST(FirstNormTest, NoHookRuns) {
  auto model = random_model();
  int64_t calls = 0;
  const auto scope = model->hooks().add("**", [&](const torch::Tensor&) { ++calls; });
  EXPECT_TRUE(first_norm(model));
  EXPECT_EQ(calls, 0);
}

TEST(FirstNormTest, ModelsWithoutSuchAScale) {
  auto config = tiny_config();
  config.norm.has_scale = false;
  EXPECT_FALSE(first_norm(random_model(config)));
  config = tiny_config();
  for (const auto placement : {NormPlacement::kOutput, NormPlacement::kPost}) {
    config.norm_placement = placement;
    EXPECT_FALSE(first_norm(random_model(config)));
  }
}

TEST(FirstNormTest, MediansOfSomeEntries) {
  const FirstNormResult result{
      .norm = "embed.ln", .l2_norms = {4, 1, 3, 8, 2}, .cosines = {0.1F, NAN, 0.5F, 0.2F, 0.3F}};
  const auto some = result.medians({0, 3, 1});
  EXPECT_EQ(some.l2_norm, 4);
  EXPECT_DOUBLE_EQ(some.l2_norm_ratio, 4.0 / 3);
  EXPECT_FLOAT_EQ(some.cosine, 0.1F) << "the lower one of those that are known";
  EXPECT_TRUE(std::isnan(result.medians({}).l2_norm_ratio));
  EXPECT_THROW(result.medians({5}), std::out_of_range);
}

TEST(FirstNormTest, ADirectionIsOfTheModelsWidth) {
  const auto model = random_model();
  const auto message = message_of<std::invalid_argument>([&] {
    embedding_cosines(model, torch::ones({1, 32}));
  });
  EXPECT_TRUE(contains(message, "direction: got [1, 32], expected [32]"));
}

}  // namespace
}  // namespace spikesink
