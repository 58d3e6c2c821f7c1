#include "spikesink/train/token_windows.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "message_of.h"
#include "spikesink/error.h"
#include "train/token_files.h"

namespace spikesink {
namespace {

TokenShard shard(int64_t first, int64_t last) {
  return {fmt::format("{}-{}", first, last), torch::arange(first, last, torch::kInt)};
}

TEST(TokenWindowsTest, EveryWindowOnceEachTimeRound) {
  const TokenWindows windows({shard(0, 23), shard(100, 131)}, {.d_vocabulary = 200, .seed = 4});
  ASSERT_EQ(windows.windows(5), 4 + 6);
  std::vector<std::vector<int64_t>> seen[2];
  for (int64_t round = 0; round < 2; ++round) {
    for (int64_t row = 0; row < 10; ++row)
      seen[round].push_back(ids_in(windows.sequences(10 * round + row, 1, 5)));
  }
  EXPECT_NE(seen[0], seen[1]);
  for (auto& rows : seen) std::sort(rows.begin(), rows.end());
  EXPECT_EQ(seen[0], seen[1]);
  for (int64_t row = 0; row < 10; ++row) {
    const int64_t first = row < 4 ? 5 * row : 100 + 5 * (row - 4);
    EXPECT_EQ(seen[0][row], ids_in(torch::arange(first, first + 5)));
  }
  EXPECT_TRUE(windows.sequences(3, 9, 5).slice(0, 4, 6).equal(windows.sequences(7, 2, 5)));
}

TEST(TokenWindowsTest, TheFirstTokenCountsToTheWindow) {
  const TokenWindows windows({shard(0, 8)},
                             {.d_vocabulary = 50, .first_token = 49, .shuffled = false});
  EXPECT_EQ(windows.windows(5), 2);
  EXPECT_EQ(ids_in(windows.sequences(0, 2, 5)),
            (std::vector<int64_t>{49, 0, 1, 2, 3, 49, 4, 5, 6, 7}));
}

TEST(TokenWindowsTest, BadInputIsReportedWithTheShardsName) {
  const TokenWindows windows({shard(0, 8)}, {.d_vocabulary = 7});
  EXPECT_TRUE(contains(message_of<FileError>([&] { windows.sequences(0, 1, 8); }),
                       "got ids from 0 to 7, expected 0 to 6 (0-8)"));
  EXPECT_TRUE(
      contains(message_of<std::invalid_argument>([&] { windows.sequences(0, 1, 9); }), "9 tokens"));
}

}  // namespace
}  // namespace spikesink
