#include "spikesink/measure/practice/perplexity.h"

#include <gtest/gtest.h>

#include "measure/measured_model.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

using namespace hook_names;

struct PerplexityTest : MeasuredModel {};

TEST_F(PerplexityTest, IsThatOfTheLogits) {
  Perplexity perplexity;
  run(model, batches, {&perplexity});
  const auto logits = model->forward(tokens).slice(1, 0, kLength - 1);
  const auto losses =
      -at::log_softmax(logits.to(torch::kDouble), -1).gather(2, tokens.slice(1, 1).unsqueeze(2));
  const auto result = perplexity.result();
  EXPECT_EQ(result.tokens, kSequences * (kLength - 1));
  EXPECT_NEAR(result.mean_loss, losses.mean().item<double>(), 1e-5);
  EXPECT_NEAR(result.perplexity, std::exp(result.mean_loss), 1e-9 * result.perplexity);
  const auto [once, merged] = once_and_merged<Perplexity>();
  EXPECT_NEAR(once.result().mean_loss, merged.result().mean_loss, 1e-12);
}

TEST_F(PerplexityTest, UsesTheLogitsThatAHookLeaves) {
  const auto scope = model->hooks().add(
      kUnembedOut, [](const torch::Tensor& logits) { return at::zeros_like(logits); });
  Perplexity perplexity;
  run(model, batches, {&perplexity});
  EXPECT_NEAR(perplexity.result().perplexity, static_cast<double>(model->config().d_vocabulary),
              1e-3);
}

TEST_F(PerplexityTest, NothingToPredictIsNotANumber) {
  Perplexity perplexity;
  run(model, token_batches({{1}, {2}}), {&perplexity});
  EXPECT_EQ(perplexity.result().tokens, 0);
  EXPECT_TRUE(std::isnan(perplexity.result().mean_loss));
}

TEST_F(PerplexityTest, ALossThatIsNotANumberHasNoInterval) {
  PerplexityResult result{.mean_loss = 2, .perplexity = std::exp(2), .tokens = 6};
  result.sequences = {{1.0, 2}, {4.0, 2}, {7.0, 2}};
  const auto [low, high] = result.interval(1);
  EXPECT_LT(low, high);
  result.sequences[1].loss = result.mean_loss = result.perplexity = NAN;
  const auto [no_low, no_high] = result.interval(1);
  EXPECT_TRUE(std::isnan(no_low) && std::isnan(no_high));
}

}  // namespace
}  // namespace spikesink
