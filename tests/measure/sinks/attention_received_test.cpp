// The reduction that never forms the matrix, against the matrix.

#include "measure/sinks/attention_received.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace spikesink {
namespace {

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
