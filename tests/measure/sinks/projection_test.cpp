#include "spikesink/measure/sinks/projection.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

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
      holds(message_of<std::invalid_argument>([] { pca(torch::ones({3})); }), "got shape [3]"));
  EXPECT_TRUE(holds(message_of<std::invalid_argument>([] {
                      tsne(torch::full({5, 2}, NAN));
                    }),
                    "not finite"));
  EXPECT_TRUE(holds(message_of<std::invalid_argument>([] {
                      tsne(torch::ones({2001, 2}));
                    }),
                    "at most 2000"));
}

}  // namespace
}  // namespace spikesink
