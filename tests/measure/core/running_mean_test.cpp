#include "spikesink/measure/core/running_mean.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace spikesink {
namespace {

RunningMean mean_of(const std::vector<double>& values) {
  RunningMean mean;
  for (const double value : values) mean.add(value);
  return mean;
}

TEST(RunningMeanTest, IsThatOfTheTextbook) {
  const auto mean = mean_of({1, 2, 4, 9});
  EXPECT_EQ(mean.count, 4);
  EXPECT_DOUBLE_EQ(mean.mean, 4);
  EXPECT_DOUBLE_EQ(mean.standard_deviation(), std::sqrt(38.0 / 3));
  EXPECT_EQ(mean_of({5}).standard_deviation(), 0);
}

TEST(RunningMeanTest, ALargeOffsetCostsNoPrecision) {
  const auto mean = mean_of({1e9 + 1, 1e9 + 2, 1e9 + 3});
  EXPECT_DOUBLE_EQ(mean.standard_deviation(), 1);
}

TEST(RunningMeanTest, PartsMergeToTheWhole) {
  const auto whole = mean_of({3, -1, 4, 1, -5, 9});
  for (const auto& [a, b] : {std::pair(mean_of({3, -1}), mean_of({4, 1, -5, 9})),
                             std::pair(mean_of({}), mean_of({3, -1, 4, 1, -5, 9})),
                             std::pair(mean_of({3, -1, 4, 1, -5, 9}), mean_of({}))}) {
    auto merged = a;
    merged.merge(b);
    EXPECT_EQ(merged.count, whole.count);
    EXPECT_NEAR(merged.mean, whole.mean, 1e-12);
    EXPECT_NEAR(merged.standard_deviation(), whole.standard_deviation(), 1e-12);
  }
}

}  // namespace
}  // namespace spikesink
