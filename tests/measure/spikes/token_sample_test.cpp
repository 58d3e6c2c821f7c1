// The sample of the tokens with the smallest hashes, against sorting all of them.

#include "measure/spikes/token_sample.h"

#include <gtest/gtest.h>

#include <random>

namespace spikesink::detail {
namespace {

struct NumberedToken {
  TokenPosition token;
  int64_t number = 0;
};

struct TokenSampleTest : testing::Test {
  std::mt19937 random{5};
  std::vector<NumberedToken> all;

  TokenSampleTest() {
    for (int64_t sequence = 0; sequence < 7; ++sequence) {
      for (int64_t position = 0; position < 30; ++position)
        all.push_back({{sequence, position}, static_cast<int64_t>(all.size())});
    }
  }
  static std::vector<int64_t> numbers(const std::vector<NumberedToken>& points) {
    std::vector<int64_t> numbers;
    for (const auto& point : points) numbers.push_back(point.number);
    return numbers;
  }
  std::vector<int64_t> expected(int64_t count) const {
    auto sorted = all;
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& a, const auto& b) { return hash_of(a.token) < hash_of(b.token); });
    sorted.resize(count);
    return numbers(sorted);
  }
};

TEST_F(TokenSampleTest, SmallestHashesInAnyOrder) {
  for (const int64_t count : {1, 2, 50, 210}) {
    std::shuffle(all.begin(), all.end(), random);
    std::vector<NumberedToken> sample;
    for (const auto& point : all) add_to_sample(sample, point, count);
    EXPECT_EQ(numbers(sample), expected(count)) << count;
  }
}

TEST_F(TokenSampleTest, MergedSamplesAreThoseOfAllTokens) {
  for (const int64_t count : {3, 40, 300}) {
    std::shuffle(all.begin(), all.end(), random);
    std::vector<NumberedToken> first, second;
    for (size_t index = 0; index < all.size(); ++index)
      add_to_sample(index < 60 ? first : second, all[index], count);
    merge_samples(first, second, count);
    EXPECT_EQ(numbers(first), expected(std::min<int64_t>(count, 210))) << count;
  }
}

TEST_F(TokenSampleTest, TakesWhatItKeeps) {
  std::vector<NumberedToken> sample;
  for (const auto& point : all) {
    const bool taken = takes(sample, point.token, 9);
    add_to_sample(sample, point, 9);
    const auto kept = numbers(sample);
    EXPECT_EQ(taken, std::find(kept.begin(), kept.end(), point.number) != kept.end());
  }
  std::vector<NumberedToken> none;
  add_to_sample(none, all.front(), 0);
  EXPECT_TRUE(none.empty());
}

TEST_F(TokenSampleTest, InTextOrder) {
  const auto in_order = numbers(all);
  std::shuffle(all.begin(), all.end(), random);
  sort_by_position(all);
  EXPECT_EQ(numbers(all), in_order);
}

}  // namespace
}  // namespace spikesink::detail
