#include "spikesink/measure/core/per_batch.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace spikesink {
namespace {

TEST(PerBatchTest, EachBatchHasItsOwnFromBeginningToEnd) {
  const TokenBatch first, second;
  PerBatch<int> values;
  values.insert(first, 1);
  values.insert(second, 2);
  values.at(second) += 5;
  EXPECT_EQ(values.at(first), 1);
  EXPECT_EQ(values.at(second), 7);
  values.erase(first);
  EXPECT_THROW(values.at(first), std::out_of_range);
  values.clear();
  EXPECT_THROW(values.at(second), std::out_of_range);
}

}  // namespace
}  // namespace spikesink
