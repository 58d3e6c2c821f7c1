#include "spikesink/measure/core/per_batch.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace spikesink {
namespace {

TEST(PerBatchTest, EachBatchHasItsOwnFromBeginningToEnd) {
  const TokenBatch first, second;
  PerBatch<int> values;
  values.begin(first, 1);
  values.begin(second, 2);
  values.of(second) += 5;
  EXPECT_EQ(values.of(first), 1);
  EXPECT_EQ(values.of(second), 7);
  values.end(first);
  EXPECT_THROW(values.of(first), std::out_of_range);
  values.clear();
  EXPECT_THROW(values.of(second), std::out_of_range);
}

}  // namespace
}  // namespace spikesink
