// Which tokens a cache must keep, from counts made by hand.

#include "spikesink/measure/practice/kv_cache_keep.h"

#include <gtest/gtest.h>

namespace spikesink {
namespace {

// Two sequences of ten tokens, four heads. Ids 5 and 6 stand first; id 7 sinks and spikes at one
// of three places; id 8 spikes without a sink; id 9 is the sink of one head at one place.
struct CacheKeepTest : testing::Test {
  SinksAnywhereResult sinks;
  SpikeTokensResult spikes;

  CacheKeepTest() {
    sinks.sequences = 2;
    sinks.heads = {{.head = 0, .share_of_sequences = 1, .attention = 0.75},
                   {.head = 1, .share_of_sequences = 1, .attention = 0.5},
                   {.head = 2, .share_of_sequences = 0.5, .attention = 0.25},
                   {.head = 3}};
    sinks.tokens = {{.id = 5, .at_start = true, .count = 3, .token_positions = 1, .occurrences = 1},
                    {.id = 6, .at_start = true, .count = 2, .token_positions = 1, .occurrences = 1},
                    {.id = 7, .count = 2, .token_positions = 1, .occurrences = 3},
                    {.id = 9, .count = 1, .token_positions = 1, .occurrences = 4}};
    sinks.token_positions = {{0, 0, 5, 3}, {1, 0, 6, 2}, {1, 4, 7, 2}, {0, 2, 9, 1}};
    sinks.token_position_count = 4;
    spikes.sequences = 2;
    spikes.tokens = 20;
    spikes.spiking = 3;
    spikes.spike_positions = SpikePositions({{0, 0}, {1, 4}, {0, 6}});
    spikes.by_token = {{.id = 5, .spiking = 1, .seen = 2, .spiking_first = 1, .seen_first = 1},
                       {.id = 7, .spiking = 1, .seen = 3},
                       {.id = 8, .spiking = 1, .seen = 6},
                       {.id = 6, .seen = 5, .seen_first = 1},
                       {.id = 9, .seen = 4}};
  }
};

TEST_F(CacheKeepTest, NamesWhatSpikesAndWhatEnoughHeadsSinkOn) {
  const auto result = kv_cache_keep(sinks, spikes, {.least_share_of_heads = 0.5});
  EXPECT_EQ(result.heads, 4);
  EXPECT_EQ(result.heads_with_sinks, 3);
  EXPECT_DOUBLE_EQ(result.attention, 0.375);
  EXPECT_EQ(result.kept, 4) << "both starts, id 7 and id 8";
  ASSERT_EQ(result.keep.size(), 3u);
  const auto expect = [](const KeptToken& got, int64_t id, int64_t occurrences, int64_t spiking,
                         int64_t sinking, double heads) {
    EXPECT_EQ(got.id, id);
    EXPECT_EQ(got.occurrences, occurrences);
    EXPECT_EQ(got.spiking, spiking);
    EXPECT_EQ(got.sinking, sinking);
    EXPECT_DOUBLE_EQ(got.heads, heads);
  };
  expect(result.keep[0], -1, 2, 1, 2, 2.5);
  expect(result.keep[1], 7, 3, 1, 1, 2);
  expect(result.keep[2], 8, 6, 1, 0, 0);
}

TEST_F(CacheKeepTest, FewerHeadsMayBeEnough) {
  const auto result = kv_cache_keep(sinks, spikes, {.least_share_of_heads = 0.25});
  EXPECT_EQ(result.kept, 5);
  EXPECT_EQ(result.keep.size(), 4u) << "with id 9";
}

TEST_F(CacheKeepTest, NothingToKeep) {
  const auto result = kv_cache_keep({}, {});
  EXPECT_EQ(result.kept, 0);
  EXPECT_EQ(result.attention, 0);
  EXPECT_TRUE(result.keep.empty());
}

}  // namespace
}  // namespace spikesink
