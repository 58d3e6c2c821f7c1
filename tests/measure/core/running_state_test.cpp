#include "spikesink/measure/core/running_state.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <tuple>

#include "measure/core/random_state.h"

namespace spikesink {
namespace {

TEST(RunningStateSummaryTest, TheFirstPositionOfAMaximumCounts) {
  auto state = torch::zeros({2, 3, 4});
  state[0][2][1] = 7;
  state[1][0][1] = -7;
  state[1][1][3] = 5;
  StateScan scan;
  scan.scan(state);
  RunningStateSummary running(/*top=*/3);
  running.add(scan, /*first_sequence=*/10);
  const auto top = running.summary().top;
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(std::tie(top[0].channel, top[0].magnitude, top[0].sequence, top[0].position),
            std::make_tuple(1, 7.0, 10, 2));
  EXPECT_EQ(std::tie(top[1].channel, top[1].magnitude, top[1].sequence, top[1].position),
            std::make_tuple(3, 5.0, 11, 1));
}

TEST(RunningStateSummaryTest, PartsMergeToTheWhole) {
  RunningStateSummary whole(/*top=*/3), first(3), second(3);
  const auto state = random_state(4, 6, 9);
  StateScan scan;
  scan.scan(state);
  whole.add(scan, 0);
  scan.scan(state.slice(0, 0, 1));
  first.add(scan, 0);
  scan.scan(state.slice(0, 1));
  second.add(scan, 1);
  second.merge(first);
  const auto got = second.summary(), expected = whole.summary();
  EXPECT_EQ(got.channel_max, expected.channel_max);
  EXPECT_EQ(got.median, expected.median);
  ASSERT_EQ(got.top.size(), expected.top.size());
  for (size_t rank = 0; rank < got.top.size(); ++rank) {
    EXPECT_EQ(got.top[rank].channel, expected.top[rank].channel);
    EXPECT_EQ(got.top[rank].sequence, expected.top[rank].sequence);
    EXPECT_EQ(got.top[rank].position, expected.top[rank].position);
  }
}

}  // namespace
}  // namespace spikesink
