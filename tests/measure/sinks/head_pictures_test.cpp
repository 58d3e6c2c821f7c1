#include "spikesink/measure/sinks/head_pictures.h"

#include <gtest/gtest.h>

#include "measure/sinks/qk_batches.h"

namespace spikesink {
namespace {

struct HeadPicturesTest : QkBatches {};

TEST_F(HeadPicturesTest, AHeadMayHaveItsSinkAtEitherEnd) {
  AttentionSinksResult measured{0.3};
  for (int64_t head = 0; head < 3; ++head) {
    measured.heads.push_back({0, head, 0, head == 0 ? 0.95 : 0.1});
    measured.heads.push_back({0, head, -1, head == 1 ? 0.9 : 0.1});
  }
  const auto pictures = head_pictures(model, {batches[0]}, measured, {.positions = {0, -1}});
  ASSERT_EQ(pictures.size(), 2u);
  EXPECT_EQ(pictures[0].sample.head, 0);
  EXPECT_EQ(pictures[1].sample.head, 2) << "the control has no sink at either end";
}

}  // namespace
}  // namespace spikesink
