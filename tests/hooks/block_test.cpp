#include "spikesink/hooks/block.h"

#include <gtest/gtest.h>

namespace spikesink {
namespace {

TEST(BlockNumberTest, BlocksCountFromOneAndLayersFromZero) {
  EXPECT_EQ(Block::of(0, BlockKind::kAttention).number, 1);
  EXPECT_EQ(Block::of(2, BlockKind::kFeedForward).number, 6);
  for (int64_t number = 1; number <= 8; ++number) {
    const Block block{number};
    EXPECT_EQ(Block::of(block.layer(), block.kind()).number, number);
  }
  EXPECT_EQ(Block{6}.output_hook_name(), "blocks.2.hook_mlp_out");
}

}  // namespace
}  // namespace spikesink
