#include "spikesink/measure/sinks/pca_tsne.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "message_of.h"

namespace spikesink {
namespace {

torch::Tensor distances(const torch::Tensor& points) {
  return at::cdist(points, points, 2, /*compute_mode=*/2);
}

/// `count` points around each of `clusters` far corners, [clusters * count, d].
torch::Tensor clustered(int64_t clusters, int64_t count, int64_t width) {
  torch::manual_seed(3);
  const auto centres = 20 * torch::randn({clusters, width}, torch::kDouble);
  return centres.repeat_interleave(count, 0) +
         torch::randn({clusters * count, width}, torch::kDouble);
}

/// P of t-SNE by its definition: symmetric, each row's entropy that of `perplexity` neighbours.
torch::Tensor neighbourhoods(const torch::Tensor& points, double perplexity) {
  auto squares = distances(points).square();
  squares.fill_diagonal_(INFINITY);
  const auto above = squares - squares.amin(1, true);
  auto low = torch::full({points.size(0), 1}, -150.0, torch::kDouble), high = -low;
  torch::Tensor p;
  for (int step = 0; step < 60; ++step) {
    const auto middle = (low + high) / 2;  // the precision's logarithm
    p = at::exp(-above * middle.exp());
    p /= p.sum(1, true);
    const auto is_wide = -at::xlogy(p, p).sum(1, true) > std::log(perplexity);
    low = at::where(is_wide, middle, low);
    high = at::where(is_wide, high, middle);
  }
  return (p + p.t()) / (2.0 * static_cast<double>(points.size(0)));
}

/// The largest component of the gradient of KL(P || Q), times the number of points.
double slope(const torch::Tensor& points, const torch::Tensor& layout) {
  const auto count = static_cast<double>(points.size(0));
  const auto p = neighbourhoods(points, std::min(TsneOptions{}.perplexity, (count - 1) / 3));
  const auto apart = layout.unsqueeze(1) - layout.unsqueeze(0);
  auto kernel = 1 / (1 + apart.square().sum(2));
  kernel.fill_diagonal_(0);
  const auto gradient = 4 * (((p - kernel / kernel.sum()) * kernel).unsqueeze(2) * apart).sum(1);
  return count * gradient.abs().max().item<double>();
}

TEST(PcaTest, KeepsTheDistancesOfAPlane) {
  torch::manual_seed(2);
  const auto plane = torch::randn({40, 2}, torch::kDouble) * torch::tensor({5.0, 1.0});
  const auto turn = std::get<0>(at::linalg_qr(torch::randn({7, 7}, torch::kDouble)));
  const auto points = at::matmul(plane, turn.slice(0, 0, 2)) + 3;
  const auto flat = pca(points);
  EXPECT_TRUE(distances(flat).allclose(distances(plane), 1e-9, 1e-9));
  EXPECT_GT(flat.select(1, 0).var().item<double>(), flat.select(1, 1).var().item<double>());
  EXPECT_TRUE(flat.mean(0).abs().max().item<double>() < 1e-12);
  EXPECT_TRUE(flat.equal(pca(points)));
}

TEST(PcaTest, FewPointsOrDimensions) {
  EXPECT_TRUE(pca(torch::ones({3, 0})).equal(torch::zeros({3, 2}, torch::kDouble)));
  EXPECT_EQ(pca(torch::ones({0, 5})).sizes(), (std::vector<int64_t>{0, 2}));
  EXPECT_TRUE(pca(torch::ones({1, 5})).equal(torch::zeros({1, 2}, torch::kDouble)));
  const auto line = pca(torch::tensor({{1.0}, {4.0}}));
  EXPECT_TRUE(line.equal(torch::tensor({{-1.5, 0.0}, {1.5, 0.0}}, torch::kDouble)));
}

TEST(TsneTest, SeparatesClusters) {
  constexpr int64_t kClusters = 5, kCount = 40;
  const auto points = clustered(kClusters, kCount, 16);
  const auto flat = tsne(points);
  ASSERT_EQ(flat.sizes(), (std::vector<int64_t>{kClusters * kCount, 2}));
  const auto apart = distances(flat);
  apart.fill_diagonal_(INFINITY);
  const auto cluster = torch::arange(kClusters * kCount).floor_divide(kCount);
  const auto nearest = cluster.index_select(0, apart.argmin(1));
  EXPECT_GE((nearest == cluster).to(torch::kDouble).mean().item<double>(), 0.95);
  // Clusters do not merely lie well, they lie apart.
  const auto same = cluster.unsqueeze(0) == cluster.unsqueeze(1);
  EXPECT_LT(distances(flat).masked_select(same).mean().item<double>(),
            0.5 * distances(flat).masked_select(~same).mean().item<double>());
}

TEST(TsneTest, EndsWhereTheGradientIsSmallWhateverIsRounded) {
  torch::manual_seed(4);
  const std::vector<std::pair<std::string, torch::Tensor>> sets{
      {"clusters", clustered(5, 18, 16)},
      {"small clusters", clustered(5, 10, 16)},
      {"few points", clustered(5, 1, 3)},
      {"one cloud", torch::randn({90, 8}, torch::kDouble)},
      {"two scales", torch::cat({30 + torch::randn({30, 8}, torch::kDouble),
                                 0.01 * torch::randn({20, 8}, torch::kDouble)})},
      {"a line", torch::arange(50, torch::kDouble).unsqueeze(1).expand({50, 3})},
      {"half on each other", torch::cat({torch::ones({25, 3}, torch::kDouble),
                                         1e3 * torch::randn({25, 3}, torch::kDouble)})},
      {"all on each other", torch::ones({50, 3}, torch::kDouble)}};
  const double most = 1.01 * TsneOptions{}.tolerance;  // P's entropy is fitted to 1e-5
  for (const auto& [name, exact] : sets) {
    for (const uint64_t seed : {0, 1, 2}) {
      // What other kernels round changes which layout is found, as does such noise.
      for (const double noise : {0.0, 1e-15}) {
        const auto points = exact * (1 + noise * torch::randn_like(exact));
        EXPECT_LE(slope(points, tsne(points, {.seed = seed})), most)
            << name << ", seed " << seed << ", noise " << noise;
      }
    }
  }
}

TEST(TsneTest, DescendsToTheToleranceAsked) {
  const auto points = clustered(5, 10, 16);
  EXPECT_GT(slope(points, tsne(points, {.iterations = 50, .max_evaluations = 0})), 0.1);
  for (const double tolerance : {0.1, 1e-3}) {
    const auto layout = tsne(points, {.iterations = 50, .tolerance = tolerance});
    EXPECT_LE(slope(points, layout), 1.01 * tolerance);
  }
}

TEST(TsneTest, TheSameBytesAgain) {
  const auto points = clustered(3, 10, 4);
  const TsneOptions options{.iterations = 100, .seed = 7};
  EXPECT_TRUE(tsne(points, options).equal(tsne(points, options)));
  EXPECT_FALSE(tsne(points, options).equal(tsne(points, {.iterations = 100, .seed = 8})));
}

TEST(TsneTest, PointsOnALineAndOnEachOther) {
  const auto line = torch::arange(20, torch::kDouble).unsqueeze(1).expand({20, 3});
  const auto flat = tsne(line);
  EXPECT_TRUE(flat.isfinite().all().item<bool>());
  EXPECT_GT(flat.std(0).min().item<double>(), 0) << "they leave the line";
  EXPECT_TRUE(tsne(torch::ones({8, 3})).isfinite().all().item<bool>());
}

TEST(TsneTest, FewerThanFourPointsAreTheirPca) {
  for (const int64_t count : {0, 1, 2, 3}) {
    const auto points = clustered(count, 1, 5);
    EXPECT_TRUE(tsne(points).equal(pca(points)));
  }
}

TEST(TsneTest, RefusesWhatCannotBe) {
  EXPECT_TRUE(
      contains(message_of<std::invalid_argument>([] { pca(torch::ones({3})); }), "got shape [3]"));
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([] {
                         tsne(torch::full({5, 2}, NAN));
                       }),
                       "not finite"));
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([] {
                         tsne(torch::ones({2001, 2}));
                       }),
                       "at most 2000"));
}

}  // namespace
}  // namespace spikesink
