// What the forms predict against what a model does, and sums over whole tensors beside it.

#include "spikesink/measure/weights/quadratic_form_fit.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>

#include "message_of.h"
#include "spikesink/model/load_model.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

constexpr int64_t kLayer = 1, kChannel = 5;
constexpr double kAmplitude = 30;

// Every third token of the vocabulary pulls a trigger in the feed-forward of one layer.
Transformer triggered_model(const ModelConfig& config = tiny_config()) {
  auto model = random_model(config);
  const auto direction = torch::randn({config.d_model});
  const auto trigger = direction / direction.norm();
  for (auto& layer : model->layers) {
    for (auto* norm : {&layer->attention_norms.input, &layer->feed_forward_norms.input})
      (*norm)->weight.fill_(1);
    for (auto& parameter : layer->parameters()) {
      if (parameter.dim() == 2) parameter.mul_(0.05);
    }
  }
  const auto& mlp = model->layers[kLayer]->mlp;
  mlp->gate->weight[0] = 2 * trigger;
  mlp->up->weight[0] = 2 * trigger;
  mlp->down->weight[kChannel][0] = kAmplitude / 4;
  model->embedding.sub_(at::outer(at::mv(model->embedding, trigger), trigger));
  model->embedding.slice(0, 0, std::nullopt, 3).add_(20 * trigger);
  return model;
}

struct QuadraticFormFitTest : testing::Test {
  torch::NoGradGuard no_grad;
  TokenBatches batches = {{random_tokens(2, 15), 0}, {random_tokens(3, 9, /*seed=*/6), 2}};

  // What a point sees of all tokens, [tokens, ...] float64.
  torch::Tensor all_of(Transformer& model, const std::string& point) const {
    std::vector<torch::Tensor> parts;
    for (const auto& batch : batches)
      parts.push_back(run_with_cache(model, batch.ids, {point})[point].flatten(0, 1));
    return at::cat(parts).to(torch::kDouble);
  }
};

void expect_same(const RegressionSums& a, const RegressionSums& b) {
  EXPECT_EQ(a.measured.count, b.measured.count);
  EXPECT_NEAR(a.r_squared(), b.r_squared(), 1e-9);
  EXPECT_NEAR(a.slope(), b.slope(), 1e-9);
  EXPECT_EQ(a.largest_measured, b.largest_measured);
  EXPECT_EQ(a.largest_predicted, b.largest_predicted);
}

TEST_F(QuadraticFormFitTest, TheFormIsWhatAConstructedBlockDoes) {
  auto model = triggered_model();
  QuadraticFormFit fit(quadratic_form(model));
  run(model, batches, {&fit});
  const auto result = fit.result();
  ASSERT_EQ(result.channels.size(), 1u);
  const auto& channel = result.channels[0];
  EXPECT_EQ(channel.block.number, 2 * kLayer + 2);
  EXPECT_EQ(channel.channel, kChannel);
  for (const auto& sums : {channel.leading, channel.open, channel.full}) {
    EXPECT_EQ(sums.measured.count, 2 * 15 + 3 * 9);
    EXPECT_GT(sums.r_squared(), 0.999);
    EXPECT_NEAR(sums.slope(), 1, 0.01);
    EXPECT_NEAR(sums.largest_predicted / sums.largest_measured, 1, 0.01);
    EXPECT_NEAR(sums.largest_measured, kAmplitude * 32, 0.02 * kAmplitude * 32);
  }
}

TEST_F(QuadraticFormFitTest, SumsAreThoseOfWholeTensors) {
  auto config = tiny_config();
  config.residual_multiplier = 0.5;
  auto model = random_model(config);  // where the form predicts little
  const auto forms = quadratic_form(model, {.outlier_deviations = 0, .max_outliers = 3});
  QuadraticFormFit fit(forms);
  run(model, batches, {&fit});
  const auto result = fit.result();
  const auto places = forms.outliers();
  ASSERT_EQ(result.channels.size(), places.size());
  for (size_t index = 0; index < places.size(); ++index) {
    const auto& [block, form] = places[index];
    const auto& got = result.channels[index];
    const auto at_layer = "blocks." + std::to_string(block.layer());
    const auto x = all_of(model, at_layer + ".ln2.hook_normalized");
    const auto m = all_of(model, at_layer + ".hook_mlp_out").select(1, form->channel);
    const auto& network = model->layers[block.layer()]->mlp;
    const auto weights = 0.5 * network->down->weight[form->channel].to(torch::kDouble);
    const auto hidden = all_of(model, at_layer + ".mlp.hook_pre") *
                        all_of(model, at_layer + ".mlp.hook_pre_linear");
    const auto expect_fit = [&](const RegressionSums& sums, const torch::Tensor& p) {
      const auto errors = (m - p).square().sum(), spread = (m - m.mean()).square().sum();
      EXPECT_NEAR(1 - sums.r_squared(), (errors / spread).item<double>(),
                  1e-4 * (errors / spread).item<double>());
      EXPECT_NEAR(sums.slope(), ((m * p).sum() / p.square().sum()).item<double>(), 1e-4);
      EXPECT_NEAR(std::abs(sums.largest_measured), m.abs().max().item<double>(), 1e-4);
      EXPECT_NEAR(std::abs(sums.largest_predicted) / p.abs().max().item<double>(), 1, 1e-4);
    };
    const auto along = at::mv(x, form->trigger);
    expect_fit(got.leading, form->leading_eigenvalue() * along.square());
    expect_fit(got.open, form->leading_eigenvalue() * along.clamp_min(0).square());
    expect_fit(got.full, at::mv(hidden, weights));
  }
}

TEST_F(QuadraticFormFitTest, TwoPassesMerge) {
  auto model = triggered_model();
  const auto forms = quadratic_form(model, {.outlier_deviations = 2, .max_outliers = 3});
  QuadraticFormFit once(forms), first(forms), second(forms);
  run(model, batches, {&once});
  run(model, {batches[0]}, {&first});
  run(model, {batches[1]}, {&second});
  first.merge(second);
  const auto a = once.result(), b = first.result();
  ASSERT_EQ(a.channels.size(), b.channels.size());
  for (size_t index = 0; index < a.channels.size(); ++index) {
    expect_same(a.channels[index].leading, b.channels[index].leading);
    expect_same(a.channels[index].open, b.channels[index].open);
    expect_same(a.channels[index].full, b.channels[index].full);
  }
  run(model, {batches[1]}, {&once});
  expect_same(once.result().channels[0].full, second.result().channels[0].full);
}

TEST_F(QuadraticFormFitTest, AnotherModelOrFormIsRefused) {
  auto model = triggered_model();
  const auto forms = quadratic_form(model);
  QuadraticFormFit fit(forms);
  const QuadraticFormFit other(quadratic_form(model, {.outlier_deviations = 0}));
  EXPECT_TRUE(
      contains(message_of<std::invalid_argument>([&] { fit.merge(other); }), "cannot merge"));
  auto config = tiny_config();
  config.n_layers = 1;
  auto shallow = random_model(config);
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { run(shallow, batches, {&fit}); }),
                       "layer 1"));
}

TEST_F(QuadraticFormFitTest, NothingToPredictIsNotANumber) {
  const RegressionSums sums;
  EXPECT_TRUE(std::isnan(sums.r_squared()));
  EXPECT_TRUE(std::isnan(sums.slope()));
}

TEST(SmolLm2FormFitTest, TheFormPredictsItsSpikes) {
  if (!std::filesystem::exists(SPIKESINK_SMOLLM2))
    GTEST_SKIP() << "scripts/setup has not put the model into .deps";
  auto model = load_model(SPIKESINK_SMOLLM2);
  QuadraticFormFit fit(quadratic_form(model, {.control_count = 0, .eigenvalue_count = 1}));
  torch::manual_seed(8);
  const auto ids = torch::randint(model->config().d_vocabulary, {8, 32}, torch::kLong);
  run(model, {{ids, 0}}, {&fit});
  int64_t checked = 0;
  for (const auto& channel : fit.result().channels) {
    const auto number = channel.block.number;  // the steps of its largest spike
    if (channel.channel != 507 || (number != 6 && number != 24 && number != 58)) continue;
    ++checked;
    const bool is_first = channel.block.number == 6;  // two units of opposite signs share it
    EXPECT_GT(channel.open.r_squared(), is_first ? 0.85 : 0.99) << channel.block.number;
    EXPECT_NEAR(channel.open.slope(), 1, is_first ? 0.2 : 0.07) << channel.block.number;
    EXPECT_NEAR(channel.open.largest_predicted / channel.open.largest_measured, 1, 0.08);
    if (is_first) continue;
    EXPECT_GT(channel.leading.r_squared(), 0.95) << channel.block.number;
  }
  EXPECT_EQ(checked, 3);
}

}  // namespace
}  // namespace spikesink
