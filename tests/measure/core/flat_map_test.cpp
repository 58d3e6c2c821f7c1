#include "spikesink/measure/core/flat_map.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spikesink {
namespace {

TEST(FlatMapTest, KeysAreSortedAndMetOnce) {
  FlatMap<int, std::string> map;
  for (const int key : {5, 1, 9, 5, 3, 1}) map[key] += "x";
  std::vector<std::pair<int, std::string>> items(map.begin(), map.end());
  EXPECT_EQ(items,
            (std::vector<std::pair<int, std::string>>{{1, "xx"}, {3, "x"}, {5, "xx"}, {9, "x"}}));
}

}  // namespace
}  // namespace spikesink
