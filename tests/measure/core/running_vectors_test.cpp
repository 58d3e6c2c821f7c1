#include "spikesink/measure/core/running_vectors.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace spikesink {
namespace {

RunningVectorSummary sums_of(const torch::Tensor& rows) {  // [n, d] float64
  const auto energy = rows.square();
  const auto total = energy.sum(1);
  const auto sum = rows.sum(0), units = (rows / total.sqrt().unsqueeze(1)).sum(0);
  RunningVectorSummary sums;
  sums.count = rows.size(0);
  sums.vector_sum.assign(sum.data_ptr<double>(), sum.data_ptr<double>() + sum.numel());
  sums.unit_sum.assign(units.data_ptr<double>(), units.data_ptr<double>() + units.numel());
  sums.squares = total.sum().item<double>();
  sums.participation = (total.square() / energy.square().sum(1)).sum().item<double>();
  sums.top_share = (energy.amax(1) / total).sum().item<double>();
  sums.largest = rows.abs().max().item<double>();
  return sums;
}

TEST(RunningVectorSummaryTest, TheSummaryIsThatOfAllPairs) {
  torch::manual_seed(6);
  const auto rows = torch::randn({7, 5}, torch::kDouble) + 1;
  const auto summary = sums_of(rows).summary();
  const auto units = rows / rows.norm(2, {1}, true);
  const auto cosines = at::mm(units, units.t());
  const double pairs = (cosines.sum() - cosines.trace()).item<double>() / (7 * 6);
  EXPECT_NEAR(summary.cosine, pairs, 1e-12);
  const auto from_mean = (rows - rows.mean(0)).square().sum(1).mean();
  EXPECT_NEAR(summary.distance, std::sqrt((from_mean / rows.square().sum(1).mean()).item<double>()),
              1e-12);
  EXPECT_GE(summary.participation, 1);
  EXPECT_LE(summary.participation, 5);
  EXPECT_EQ(summary.largest, rows.abs().max().item<double>());
}

TEST(RunningVectorSummaryTest, PartsMergeToTheWhole) {
  torch::manual_seed(6);
  const auto rows = torch::randn({7, 5}, torch::kDouble);
  auto merged = sums_of(rows.slice(0, 0, 3));
  merged.merge(sums_of(rows.slice(0, 3)));
  merged.merge({});
  const auto got = merged.summary(), expected = sums_of(rows).summary();
  EXPECT_EQ(got.count, expected.count);
  EXPECT_NEAR(got.cosine, expected.cosine, 1e-12);
  EXPECT_NEAR(got.distance, expected.distance, 1e-12);
  EXPECT_NEAR(got.participation, expected.participation, 1e-12);
  EXPECT_NEAR(got.top_share, expected.top_share, 1e-12);
  EXPECT_EQ(got.largest, expected.largest);
}

TEST(RunningVectorSummaryTest, OneVectorHasNoPairsAndNoneHasNoNumbers) {
  const auto one = sums_of(torch::ones({1, 4}, torch::kDouble)).summary();
  EXPECT_TRUE(std::isnan(one.cosine));
  EXPECT_NEAR(one.participation, 4, 1e-12);
  EXPECT_TRUE(std::isnan(RunningVectorSummary().summary().largest));
}

}  // namespace
}  // namespace spikesink
