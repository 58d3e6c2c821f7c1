#include "spikesink/measure/core/state_scan.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>

#include "spikesink/measure/core/running_state.h"

namespace spikesink {
namespace {

torch::Tensor random_state(int64_t sequences, int64_t length, int64_t channels) {
  torch::manual_seed(3);
  return torch::randn({sequences, length, channels}).pow(3);
}

// The lower middle element of |x|.
double median_of(const torch::Tensor& values) {
  return values.abs().to(torch::kDouble).flatten().median().item<double>();
}

double median_of(const StateScan& scan, int64_t sequence) {
  MagnitudeHistogram histogram;
  histogram.add(scan.counts_of(sequence), scan.at_edges());
  return histogram.median();
}

struct ScanCase {
  int64_t sequences, length, channels;
  torch::Dtype dtype;
};

struct StateScanTest : testing::TestWithParam<ScanCase> {};

TEST_P(StateScanTest, AgreesWithAnExplicitComputation) {
  const auto [sequences, length, channels, dtype] = GetParam();
  const auto state = random_state(sequences, length, channels).to(dtype);
  StateScan scan;
  scan.read(random_state(3, 5, 7));  // what a former state left does not matter
  scan.read(state);
  const auto magnitudes = state.abs().to(torch::kFloat);
  EXPECT_TRUE(torch::tensor(scan.channel_max).equal(magnitudes.amax({0, 1})));
  EXPECT_TRUE(torch::tensor(scan.token_max).equal(magnitudes.amax(2).flatten()));
  EXPECT_EQ(scan.not_finite, 0);
  for (int64_t sequence = 0; sequence < sequences; ++sequence) {
    const double width = scan.at_edges() ? 0 : 1.0 / 128;
    EXPECT_NEAR(median_of(scan, sequence) / median_of(state[sequence]), 1, width);
    EXPECT_EQ(scan.value(sequence, length - 1, channels / 2),
              state[sequence][length - 1][channels / 2].item<float>());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, StateScanTest,
    testing::Values(ScanCase{1, 1, 1, torch::kFloat}, ScanCase{1, 37, 65, torch::kFloat},
                    ScanCase{3, 64, 576, torch::kFloat}, ScanCase{9, 5, 33, torch::kDouble},
                    ScanCase{1, 300, 576, torch::kBFloat16}, ScanCase{5, 8, 31, torch::kBFloat16}));

TEST(StateScanTest, WhatIsNotFiniteIsCountedAndLeftOut) {
  auto state = random_state(2, 6, 10);
  auto clean = state.clone();
  for (const auto& [position, bad] : {std::pair{0, std::numeric_limits<float>::quiet_NaN()},
                                      std::pair{5, std::numeric_limits<float>::infinity()}}) {
    state[1][position][4] = bad;
    state[1][position][9] = -bad;
    clean[1][position][4] = clean[1][position][9] = 0;
  }
  StateScan scan;
  scan.read(state);
  EXPECT_EQ(scan.not_finite, 4);
  EXPECT_TRUE(torch::tensor(scan.channel_max).equal(clean.abs().amax({0, 1})));
  MagnitudeHistogram histogram;
  histogram.add(scan.counts_of(1), false);
  EXPECT_EQ(histogram.total(), 6 * 10 - 4);
}

TEST(StateScanTest, AStrideIsNoObstacle) {
  const auto state = random_state(2, 6, 10).transpose(1, 2);
  StateScan scan;
  scan.read(state);
  EXPECT_TRUE(torch::tensor(scan.token_max).equal(state.abs().amax(2).flatten()));
}

TEST(MagnitudeHistogramTest, TheMedianLiesInItsBounds) {
  for (const int64_t count : {1, 2, 3, 100, 1001}) {
    const auto state = random_state(1, 1, count);
    StateScan scan;
    scan.read(state);
    MagnitudeHistogram histogram;
    histogram.add(scan.counts_of(0), false);
    const auto [low, high] = histogram.median_bounds();
    EXPECT_LE(low, median_of(state));
    EXPECT_GE(high, median_of(state));
    EXPECT_LE(high / low, 1 + 1.0 / 128);
  }
  EXPECT_TRUE(std::isnan(MagnitudeHistogram().median()));
}

TEST(MagnitudeHistogramTest, TheEndsHoldWhatLiesBeyond) {
  StateScan scan;
  scan.read(torch::tensor({0.f, 1e-30f, 1e30f}).reshape({1, 1, 3}));
  MagnitudeHistogram histogram;
  histogram.add(scan.counts_of(0), false);
  EXPECT_EQ(histogram.total(), 3);
  EXPECT_EQ(histogram.median_bounds().first, 0);
  EXPECT_EQ(scan.channel_max[2], 1e30f);
}

TEST(RunningStateTest, TheFirstPlaceOfAMaximumCounts) {
  auto state = torch::zeros({2, 3, 4});
  state[0][2][1] = 7;
  state[1][0][1] = -7;
  state[1][1][3] = 5;
  StateScan scan;
  scan.read(state);
  RunningState running(/*top=*/3);
  running.add(scan, /*first_sequence=*/10);
  const auto top = running.summary().top;
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(std::tie(top[0].channel, top[0].magnitude, top[0].sequence, top[0].position),
            std::make_tuple(1, 7.0, 10, 2));
  EXPECT_EQ(std::tie(top[1].channel, top[1].magnitude, top[1].sequence, top[1].position),
            std::make_tuple(3, 5.0, 11, 1));
}

}  // namespace
}  // namespace spikesink
