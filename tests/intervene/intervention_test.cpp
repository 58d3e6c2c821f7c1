#include "spikesink/intervene/intervention.h"

#include <gtest/gtest.h>

#include "tiny_model.h"

namespace spikesink {
namespace {

TEST(InterventionTest, TheHeadsOfALayerAreAllOfThem) {
  const auto config = tiny_config();
  EXPECT_EQ(heads_of_layers(config, {1}), (std::vector<HeadIndex>{{1, 0}, {1, 1}, {1, 2}, {1, 3}}));
  EXPECT_TRUE(heads_of_layers(config, {}).empty());
}

}  // namespace
}  // namespace spikesink
