// The reductions that never form what they sum up, against explicit ones.

#include <gtest/gtest.h>

#include <torch/torch.h>
#include <numeric>

#include "measure/sinks/attention_received.h"
#include "measure/practice/cross_entropy.h"

namespace spikesink {
namespace {

// In two parts, the later one first.
double cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) {
  const int64_t middle = logits.size(1) / 3;
  detail::CrossEntropy entropy(targets);
  entropy.add(logits.slice(1, middle), middle);
  if (middle > 0) entropy.add(logits.slice(1, 0, middle));
  const auto losses = entropy.losses();
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

TEST(CrossEntropyTest, AgreesWithLogSoftmax) {
  torch::manual_seed(4);
  for (const auto dtype : {torch::kFloat, torch::kDouble, torch::kBFloat16}) {
    for (const int64_t vocabulary : {1, 7, 1000}) {
      const auto logits = (8 * torch::randn({33, vocabulary})).to(dtype);
      auto targets = torch::randint(vocabulary, {33}, torch::kLong);
      targets[5] = targets[32] = -1;
      const auto losses = -at::log_softmax(logits.to(torch::kDouble), -1)
                               .gather(1, targets.clamp_min(0).unsqueeze(1))
                               .squeeze(1);
      const double expected = losses.masked_select(targets >= 0).sum().item<double>();
      EXPECT_NEAR(cross_entropy(logits, targets), expected, 1e-4 + 1e-6 * expected);
    }
  }
}

TEST(CrossEntropyTest, LargeLogitsDoNotOverflow) {
  const auto logits = torch::tensor({{1e4, 1e4 - 1, 0.0}}, torch::kFloat);
  EXPECT_TRUE(std::isnan(cross_entropy(torch::tensor({{1.f, NAN, 0.f}}), torch::tensor({0}))));
  EXPECT_NEAR(cross_entropy(torch::tensor({{-INFINITY, 1.f, 1.f}}), torch::tensor({2})),
              std::log(2.0), 1e-6);
  EXPECT_NEAR(cross_entropy(logits, torch::tensor({1})), 1 + std::log1p(std::exp(-1.0)), 1e-6);
}

TEST(AttentionReceivedTest, AgreesWithTheMatrix) {
  torch::manual_seed(5);
  constexpr int64_t kSequences = 2, kLength = 19, kHeads = 6, kKeyHeads = 2, kWidth = 8;
  const double scale = 0.3;
  const auto q = torch::randn({kSequences, kLength, kHeads, kWidth}, torch::kDouble);
  const auto k = torch::randn({kSequences, kLength, kKeyHeads, kWidth}, torch::kDouble);
  const auto scores =
      at::matmul(q.transpose(1, 2),
                 k.transpose(1, 2).repeat_interleave(kHeads / kKeyHeads, 1).transpose(-1, -2)) *
      scale;
  const auto masked =
      scores.masked_fill(torch::ones({kLength, kLength}, torch::kBool).triu(1), -INFINITY);
  const auto pattern = at::softmax(masked, -1);
  const auto lse = at::logsumexp(masked, -1);
  for (const int64_t key : {0, 1, 7, 18}) {
    const auto expected = pattern.select(-1, key).slice(-1, key).mean(-1);
    const auto received =
        detail::attention_received(q, k, lse, {.scale = scale}, key, /*epsilon=*/0.1);
    EXPECT_TRUE(at::allclose(received.mean, expected, 1e-12, 1e-12)) << key;
    const auto exceeds = pattern.select(-1, key).slice(-1, key) > 0.1;
    EXPECT_TRUE(at::allclose(received.share_of_queries, exceeds.to(torch::kDouble).mean(-1)))
        << key;
    const auto single = detail::attention_received(q.to(torch::kFloat), k.to(torch::kFloat),
                                                   lse.to(torch::kFloat), {.scale = scale}, key,
                                                   /*epsilon=*/0.1);
    EXPECT_TRUE(at::allclose(single.mean, expected, 1e-5, 1e-6)) << key;
  }
}

}  // namespace
}  // namespace spikesink
