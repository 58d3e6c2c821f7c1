#include "spikesink/measure/core/state_scan.h"

#include <gtest/gtest.h>

#include <limits>

#include "measure/core/random_state.h"

namespace spikesink {
namespace {

double median_of_sequence(const StateScan& scan, int64_t sequence) {
  MagnitudeHistogram histogram;
  histogram.add(scan.bin_counts(sequence), scan.bins_are_exact());
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
  scan.scan(random_state(3, 5, 7));  // what a former state left does not matter
  scan.scan(state);
  const auto magnitudes = state.abs().to(torch::kFloat);
  EXPECT_TRUE(torch::tensor(scan.channel_max).equal(magnitudes.amax({0, 1})));
  EXPECT_TRUE(torch::tensor(scan.token_max).equal(magnitudes.amax(2).flatten()));
  EXPECT_EQ(scan.not_finite, 0);
  for (int64_t sequence = 0; sequence < sequences; ++sequence) {
    const double width = scan.bins_are_exact() ? 0 : 1.0 / 128;
    EXPECT_NEAR(median_of_sequence(scan, sequence) / median_of(state[sequence]), 1, width);
    EXPECT_EQ(scan.value(sequence, length - 1, channels / 2),
              state[sequence][length - 1][channels / 2].item<float>());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, StateScanTest,
    testing::Values(ScanCase{1, 1, 1, torch::kFloat}, ScanCase{1, 37, 65, torch::kFloat},
                    ScanCase{3, 64, 576, torch::kFloat}, ScanCase{9, 5, 33, torch::kDouble},
                    ScanCase{1, 300, 576, torch::kBFloat16}, ScanCase{5, 8, 31, torch::kBFloat16}));

TEST(StateScanTest, ValuesThatAreNotFiniteAreCountedAndLeftOut) {
  auto state = random_state(2, 6, 10);
  auto clean = state.clone();
  for (const auto& [position, bad] : {std::pair{0, std::numeric_limits<float>::quiet_NaN()},
                                      std::pair{5, std::numeric_limits<float>::infinity()}}) {
    state[1][position][4] = bad;
    state[1][position][9] = -bad;
    clean[1][position][4] = clean[1][position][9] = 0;
  }
  StateScan scan;
  scan.scan(state);
  EXPECT_EQ(scan.not_finite, 4);
  EXPECT_TRUE(torch::tensor(scan.channel_max).equal(clean.abs().amax({0, 1})));
  MagnitudeHistogram histogram;
  histogram.add(scan.bin_counts(1), false);
  EXPECT_EQ(histogram.total(), 6 * 10 - 4);
}

TEST(StateScanTest, AnyStrideIsRead) {
  const auto state = random_state(2, 6, 10).transpose(1, 2);
  StateScan scan;
  scan.scan(state);
  EXPECT_TRUE(torch::tensor(scan.token_max).equal(state.abs().amax(2).flatten()));
}

}  // namespace
}  // namespace spikesink
