// The state of a measurement as bytes; of the library's own ones see merged_measurements_test.cpp.

#include "spikesink/measure/core/mergeable.h"

#include <gtest/gtest.h>

#include "measure/core/channel_mean.h"
#include "measure/measured_model.h"

namespace spikesink {
namespace {

struct MergeableTest : MeasuredModel {};

TEST_F(MergeableTest, AStateCarriesWhatWasMeasured) {
  ChannelMean whole, first, second, received;
  run(model, batches, {&whole});
  run(model, {batches[0]}, {&first});
  run(model, {batches[1], batches[2]}, {&second});
  received.deserialize(first.serialize());
  EXPECT_EQ(received.values.mean, first.values.mean);
  EXPECT_EQ(received.serialize(), first.serialize());
  received.merge_serialized(second.serialize());
  first.merge(second);
  EXPECT_EQ(received.serialize(), first.serialize());
  EXPECT_EQ(received.values.count, whole.values.count);
  EXPECT_NEAR(received.values.mean, whole.values.mean, 1e-12);
}

TEST_F(MergeableTest, BytesOfAnotherLengthAreRefused) {
  ChannelMean mean;
  run(model, batches, {&mean});
  const auto state = mean.serialize();
  EXPECT_THROW(mean.deserialize(state + "x"), std::invalid_argument);
  EXPECT_THROW(mean.deserialize(state.substr(1)), std::invalid_argument);
  EXPECT_THROW(mean.merge_serialized("abc"), std::invalid_argument);
}

}  // namespace
}  // namespace spikesink
