#include "spikesink/measure/spikes/spike_positions.h"

#include <gtest/gtest.h>

#include "message_of.h"

namespace spikesink {
namespace {

TEST(SpikePositionsTest, AMaskIsOfTheTextItWasFoundIn) {
  const SpikePositions places({{7, 1}, {3, 4}, {3, 0}, {7, 1}});
  EXPECT_EQ(places.positions(), (std::vector<TokenPosition>{{3, 0}, {3, 4}, {7, 1}}));
  EXPECT_FALSE(places.mask(4, 3, 2).any().item<bool>());
  const auto mask = places.mask(3, 5, 5);
  EXPECT_EQ(mask.sum().item<int64_t>(), 3);
  EXPECT_TRUE(mask[4][1].item<bool>());
  const auto message = message_of<std::invalid_argument>([&] { places.mask(3, 1, 4); });
  EXPECT_TRUE(contains(message, "position 4 of sequence 3"));
}

TEST(SpikePositionsTest, TokensOfAPrefixAreOrdinary) {
  const SpikePositions places({{3, 1}, {4, 0}});
  const auto mask = places.mask(with_prefix({torch::ones({2, 3}, torch::kLong), 3}, {7, 7}));
  auto expected = torch::zeros({2, 5}, torch::kBool);
  expected[0][3] = expected[1][2] = true;
  EXPECT_TRUE(mask.equal(expected));
}

}  // namespace
}  // namespace spikesink
