#include "spikesink/measure/core/magnitude_histogram.h"

#include <gtest/gtest.h>

#include <cmath>

#include "measure/core/random_state.h"
#include "spikesink/measure/core/state_scan.h"

namespace spikesink {
namespace {

TEST(MagnitudeHistogramTest, TheMedianLiesInItsBounds) {
  for (const int64_t count : {1, 2, 3, 100, 1001}) {
    const auto state = random_state(1, 1, count);
    StateScan scan;
    scan.scan(state);
    MagnitudeHistogram histogram;
    histogram.add(scan.bin_counts(0), false);
    const auto [low, high] = histogram.median_bounds();
    EXPECT_LE(low, median_of(state));
    EXPECT_GE(high, median_of(state));
    EXPECT_LE(high / low, 1 + 1.0 / 128);
  }
  EXPECT_TRUE(std::isnan(MagnitudeHistogram().median()));
}

TEST(MagnitudeHistogramTest, TheOuterBinsCountWhatLiesBeyond) {
  StateScan scan;
  scan.scan(torch::tensor({0.f, 1e-30f, 1e30f}).reshape({1, 1, 3}));
  MagnitudeHistogram histogram;
  histogram.add(scan.bin_counts(0), false);
  EXPECT_EQ(histogram.total(), 3);
  EXPECT_EQ(histogram.median_bounds().first, 0);
  EXPECT_EQ(scan.channel_max[2], 1e30f);
}

TEST(MagnitudeHistogramTest, PartsMergeToTheWhole) {
  StateScan scan;
  scan.scan(random_state(2, 30, 7));
  MagnitudeHistogram whole, first, second;
  for (const int64_t sequence : {0, 1}) whole.add(scan.bin_counts(sequence), false);
  first.add(scan.bin_counts(0), false);
  second.add(scan.bin_counts(1), false);
  first.merge(second);
  EXPECT_EQ(first.total(), 2 * 30 * 7);
  EXPECT_EQ(first.median(), whole.median());
}

}  // namespace
}  // namespace spikesink
