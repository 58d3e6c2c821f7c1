#include "spikesink/train/bigram_backcopy.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "message_of.h"

namespace spikesink {
namespace {

TEST(BigramBackcopyTest, ATriggerIsFollowedByTheTokenBeforeIt) {
  const BigramBackcopy task({}, 3);
  const auto ids = task.sequences(0, 400, 64);
  EXPECT_TRUE((ids.select(1, 0) == 64).all().item<bool>());
  auto counts = torch::zeros({64, 64}, torch::kDouble);
  const auto id = ids.accessor<int64_t, 2>();
  int64_t triggers = 0;
  for (int64_t row = 0; row < 400; ++row) {
    for (int64_t position = 2; position < 64; ++position) {
      if (id[row][position - 1] < 3) {
        ++triggers;
        EXPECT_EQ(id[row][position], id[row][position - 2]);
      } else {
        counts[id[row][position - 1]][id[row][position]] += 1;
      }
    }
  }
  EXPECT_GT(triggers, 1000);
  const auto chain = task.transition_matrix();
  EXPECT_TRUE(at::allclose(chain.sum(1), torch::ones({64}, torch::kDouble)));
  const auto rows = counts.sum(1, true);
  const auto deviation = (chain * (1 - chain) / rows.clamp_min(1)).sqrt();
  const auto distance = ((counts / rows.clamp_min(1) - chain).abs() / (deviation + 0.004));
  EXPECT_LT(distance.slice(0, 3).max().item<double>(), 5);
  EXPECT_GT(chain.slice(1, 0, 3).mean().item<double>(), 2.5 * chain.mean().item<double>());
}

TEST(BigramBackcopyTest, ASequenceIsAFunctionOfItsNumber) {
  const BigramBackcopy task({}, 3), other({}, 4);
  const auto ids = task.sequences(0, 10, 20);
  EXPECT_TRUE(task.sequences(4, 3, 20).equal(ids.slice(0, 4, 7)));
  EXPECT_TRUE(task.sequences(0, 10, 12).equal(ids.slice(1, 0, 12)));
  EXPECT_FALSE(other.sequences(0, 10, 20).equal(ids));
  EXPECT_TRUE(task.transition_matrix().equal(other.transition_matrix()))
      << "what there is to learn is the same";
  EXPECT_EQ(message_of<std::invalid_argument>([] { BigramBackcopy({.tokens = 3}); }),
            "[BigramBackcopy] got 3 tokens and 3 triggers, expected fewer triggers");
}

}  // namespace
}  // namespace spikesink
