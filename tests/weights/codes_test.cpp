#include "weights/quantised/codes.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>

#include "message_of.h"

namespace spikesink {
namespace {

using detail::dequantize_codes;
using detail::unpack_codes;

torch::Tensor random_codes(at::IntArrayRef shape, int64_t most) {
  return torch::randint(0, most + 1, shape, torch::kUInt8);
}

// The bit stream of the codes, one bit at a time.
torch::Tensor pack(const torch::Tensor& codes, int64_t bits) {
  const int64_t words = codes.size(1) * bits / 32;
  auto packed = torch::zeros({codes.size(0), words}, torch::kInt64);
  for (int64_t row = 0; row < codes.size(0); ++row) {
    for (int64_t bit = 0; bit < codes.size(1) * bits; ++bit) {
      const int64_t value = (codes[row][bit / bits].item<int64_t>() >> (bit % bits)) & 1;
      packed[row][bit / 32] += value << (bit % 32);
    }
  }
  return torch::where(packed > std::numeric_limits<int32_t>::max(), packed - (1LL << 32), packed)
      .to(torch::kInt32);
}

TEST(CodesTest, CodesOfEveryWidthAreUnpacked) {
  torch::manual_seed(1);
  for (int64_t bits = 1; bits <= 8; ++bits) {
    const auto codes = random_codes({3, 64}, (1 << bits) - 1);
    EXPECT_TRUE(unpack_codes(pack(codes, bits), bits).equal(codes)) << bits;
  }
}

TEST(CodesTest, TransposedWordsAreUnpackedByRow) {
  const auto codes = random_codes({4, 16}, 15);
  const auto words = pack(codes, 4);
  EXPECT_TRUE(unpack_codes(words.t().contiguous().t(), 4).equal(codes));
}

TEST(CodesTest, CodesAreScaledByGroup) {
  const auto codes = random_codes({5, 12}, 255);
  const auto scales = torch::randn({5, 3}), biases = torch::randn({5, 3});
  const auto zeros = random_codes({5, 3}, 255);
  const auto spread = [](const torch::Tensor& values) {
    return values.to(torch::kFloat32).repeat_interleave(4, 1);
  };
  const auto expected = (codes.to(torch::kFloat32) - spread(zeros)) * spread(scales);
  EXPECT_TRUE(dequantize_codes(codes, {.scales = scales, .zeros = zeros}).equal(expected));
  EXPECT_TRUE(dequantize_codes(codes, {.scales = scales, .zeros = zeros, .biases = biases})
                  .allclose(expected + spread(biases), 1e-6, 1e-6));
}

TEST(CodesTest, ColumnsMayNameTheirGroups) {
  const auto codes = random_codes({2, 6}, 15).to(torch::kInt8);
  const auto scales = torch::randn({2, 3});
  const auto groups = torch::tensor({2, 0, 0, 1, 2, 1}, torch::kInt32);
  EXPECT_TRUE(dequantize_codes(codes, {.scales = scales, .groups = groups})
                  .equal(codes.to(torch::kFloat32) * scales.index_select(1, groups)));
}

TEST(CodesTest, Float8IsScaledToo) {
  const auto codes = torch::randn({2, 6}).to(torch::kFloat8_e4m3fn);
  const auto scales = torch::randn({2, 1});
  EXPECT_TRUE(
      dequantize_codes(codes, {.scales = scales}).equal(codes.to(torch::kFloat32) * scales));
}

TEST(CodesTest, AnEmptyMatrixIsEmpty) {
  EXPECT_EQ(unpack_codes(torch::zeros({0, 4}, torch::kInt32), 4).sizes(),
            (std::vector<int64_t>{0, 32}));
  EXPECT_EQ(dequantize_codes(torch::zeros({3, 0}, torch::kUInt8), {.scales = torch::ones({3, 1})})
                .sizes(),
            (std::vector<int64_t>{3, 0}));
}

TEST(CodesTest, WhatDoesNotFitIsReported) {
  const auto codes = torch::zeros({2, 4}, torch::kUInt8);
  const auto message = [&](const detail::GroupScales& scales) {
    return message_of<std::invalid_argument>([&] { dequantize_codes(codes, scales); });
  };
  EXPECT_TRUE(
      contains(message({.scales = torch::ones({3, 1})}), "the scales: got the shape [3, 1]"));
  EXPECT_TRUE(contains(message({.scales = torch::ones({2, 2}), .zeros = torch::ones({2, 1})}),
                       "the zeros or biases"));
  EXPECT_TRUE(contains(message({.scales = torch::ones({2, 2}), .groups = torch::zeros({3})}),
                       "the groups of the columns"));
  EXPECT_TRUE(contains(message({.scales = torch::ones({2, 2}),
                                .groups = torch::tensor({0, 1, 2, 0}, torch::kInt32)}),
                       "the group of column 2: got 2, expected 0 to 1"));
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([] {
                         unpack_codes(torch::zeros({2, 2}, torch::kInt64), 4);
                       }),
                       "32-bit words"));
}

}  // namespace
}  // namespace spikesink
