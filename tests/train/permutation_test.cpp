#include "train/permutation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace spikesink {
namespace {

TEST(PermutedTest, EveryIndexOccursOnceInAnOrderOfTheSeed) {
  for (const uint64_t count : {1, 2, 3, 17, 64, 1000}) {
    std::vector<uint64_t> order, other, sorted(count);
    for (uint64_t index = 0; index < count; ++index) {
      order.push_back(detail::permuted(index, count, 5));
      other.push_back(detail::permuted(index, count, 6));
    }
    std::iota(sorted.begin(), sorted.end(), 0);
    EXPECT_TRUE(std::is_permutation(order.begin(), order.end(), sorted.begin())) << count;
    if (count >= 17) {
      EXPECT_NE(order, sorted);
      EXPECT_NE(order, other);
    }
  }
}

// Where one place goes over many seeds: chi-squared of 16 cells has mean 15 and deviation 5.5.
TEST(PermutedTest, NoIndexIsPreferred) {
  std::vector<double> counts(16);
  constexpr int kSeeds = 8000;
  for (int seed = 0; seed < kSeeds; ++seed) ++counts[detail::permuted(3, 16, seed)];
  double squares = 0;
  for (const double count : counts) squares += std::pow(count - kSeeds / 16.0, 2);
  EXPECT_LT(squares / (kSeeds / 16.0), 45);
}

}  // namespace
}  // namespace spikesink
