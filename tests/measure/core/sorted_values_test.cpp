#include "measure/core/sorted_values.h"

#include <gtest/gtest.h>

namespace spikesink::detail {
namespace {

TEST(SortedValuesTest, QuantilesAreElements) {
  const SortedValues values(std::vector<float>{4, 1, 3, 2});
  EXPECT_EQ(values.size(), 4);
  EXPECT_EQ(values.at_percent(0), 1);
  EXPECT_EQ(values.at_percent(33), 1);
  EXPECT_EQ(values.at_percent(34), 2);
  EXPECT_EQ(values.at_percent(50), 2) << "the lower median";
  EXPECT_EQ(values.at_percent(100), 4);
}

TEST(SortedValuesTest, EqualValuesAreNotBelow) {
  const SortedValues values(std::vector<double>{1, 2, 2, 5});
  EXPECT_EQ(values.percent_below(1), 0);
  EXPECT_EQ(values.percent_below(2), 25);
  EXPECT_EQ(values.percent_below(3), 75);
  EXPECT_EQ(values.percent_below(2 + 1e-12), 25) << "the same but for rounding";
  EXPECT_EQ(values.percent_below(HUGE_VAL), 100);
  EXPECT_TRUE(std::isnan(values.percent_below(NAN)));
}

TEST(SortedValuesTest, OnlyFiniteValuesCount) {
  const SortedValues values(std::vector<double>{NAN, 3, HUGE_VAL, 1, -HUGE_VAL});
  EXPECT_EQ(values.size(), 2);
  EXPECT_EQ(values.at_percent(100), 3);
  const SortedValues none(std::vector<double>{NAN});
  EXPECT_TRUE(std::isnan(none.at_percent(50)));
  EXPECT_TRUE(std::isnan(none.percent_below(1)));
}

}  // namespace
}  // namespace spikesink::detail
