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
  received.set_state(first.state());
  EXPECT_EQ(received.values.mean, first.values.mean);
  EXPECT_EQ(received.state(), first.state());
  received.merge_state(second.state());
  first.merge(second);
  EXPECT_EQ(received.state(), first.state());
  EXPECT_EQ(received.values.count, whole.values.count);
  EXPECT_NEAR(received.values.mean, whole.values.mean, 1e-12);
}

TEST_F(MergeableTest, BytesOfAnotherLengthAreRefused) {
  ChannelMean mean;
  run(model, batches, {&mean});
  const auto state = mean.state();
  EXPECT_THROW(mean.set_state(state + "x"), std::invalid_argument);
  EXPECT_THROW(mean.set_state(state.substr(1)), std::invalid_argument);
  EXPECT_THROW(mean.merge_state("abc"), std::invalid_argument);
}

}  // namespace
}  // namespace spikesink
