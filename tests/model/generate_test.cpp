#include "spikesink/model/generate.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

struct GenerateTest : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model(tiny_config(), torch::kDouble);
  std::vector<int64_t> prompt = {5, 17, 3};
};

TEST_F(GenerateTest, GreedyIsTheLikeliestOfEveryWholePass) {
  auto text = prompt;
  for (int step = 0; step < 20; ++step)
    text.push_back(model->forward(torch::tensor(text, torch::kLong).unsqueeze(0))[0][-1]
                       .argmax()
                       .item<int64_t>());
  std::vector<int64_t> seen;
  const auto made =
      generate(model, prompt, {.max_new_tokens = 20}, [&](int64_t id) { seen.push_back(id); });
  EXPECT_EQ(made, std::vector<int64_t>(text.begin() + 3, text.end()));
  EXPECT_EQ(seen, made);
  const auto stopped = generate(model, prompt, {.max_new_tokens = 20, .stop_ids = {made[4]}});
  const auto end = std::find(made.begin(), made.end(), made[4]) + 1;
  EXPECT_EQ(stopped, std::vector<int64_t>(made.begin(), end));
}

TEST_F(GenerateTest, ProbabilitiesAreCut) {
  const auto logits = torch::tensor({0.1, 2.0, 1.0, -1.0}, torch::kDouble);
  const auto warm = at::softmax(logits / 0.7, 0);
  EXPECT_TRUE(at::allclose(next_token_probabilities(logits, {.temperature = 0.7}), warm));
  EXPECT_TRUE(next_token_probabilities(logits, {})
                  .equal(torch::tensor({0.0, 1.0, 0.0, 0.0}, torch::kDouble)));
  const auto two = torch::tensor({0.0, 1.0, 1.0, 0.0}, torch::kDouble) * warm;
  EXPECT_TRUE(at::allclose(next_token_probabilities(logits, {.temperature = 0.7, .top_k = 2}),
                           two / two.sum()));
  const double first = warm[1].item<double>(), second = warm[2].item<double>();
  EXPECT_TRUE(at::allclose(
      next_token_probabilities(logits, {.temperature = 0.7, .top_p = first + second / 2}),
      two / two.sum()))
      << "the one that crosses the limit is in";
  EXPECT_EQ(
      next_token_probabilities(logits, {.temperature = 0.7, .top_p = first / 2})[1].item<double>(),
      1);
}

TEST_F(GenerateTest, SamplesFollowTheProbabilities) {
  constexpr int kDraws = 2000;
  const GenerateOptions options{.max_new_tokens = 1, .temperature = 3};
  const auto logits = model->forward(torch::tensor(prompt, torch::kLong).unsqueeze(0))[0][-1];
  const auto expected = next_token_probabilities(logits, options);
  auto counts = torch::zeros({61}, torch::kDouble);
  for (int seed = 0; seed < kDraws; ++seed) {
    auto seeded = options;
    seeded.seed = static_cast<uint64_t>(seed);
    counts[generate(model, prompt, seeded)[0]] += 1;
  }
  const auto deviation = (expected * (1 - expected) / kDraws).sqrt();
  EXPECT_LT(((counts / kDraws - expected).abs() / (deviation + 1e-3)).max().item<double>(), 4);
  const GenerateOptions longer{.max_new_tokens = 9, .temperature = 3, .seed = 4};
  EXPECT_EQ(generate(model, prompt, longer), generate(model, prompt, longer));
}

TEST_F(GenerateTest, ItEndsAtTheContext) {
  auto config = tiny_config();
  config.context = 6;
  auto shorter = random_model(config, torch::kDouble);
  EXPECT_EQ(generate(shorter, prompt, {.max_new_tokens = 20}).size(), 4);
}

TEST_F(GenerateTest, InvalidArgumentsAreRefused) {
  EXPECT_EQ(message_of<std::invalid_argument>([&] { generate(model, prompt, {.top_p = 0}); }),
            "[generate] top_p: got 0, expected a share above 0, up to 1");
  EXPECT_THROW(generate(model, prompt, {.temperature = -1}), std::invalid_argument);
  EXPECT_THROW(generate(model, {61}), std::invalid_argument);
  EXPECT_THROW(generate(model, {}), std::invalid_argument);
}

}  // namespace
}  // namespace spikesink
