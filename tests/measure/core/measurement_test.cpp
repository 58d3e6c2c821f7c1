// A run of measurements, by small ones made for the test.

#include "spikesink/measure/core/measurement.h"

#include <gtest/gtest.h>

#include "measure/core/channel_mean.h"
#include "measure/measured_model.h"

namespace spikesink {
namespace {

struct ShareOfTest : MeasuredModel {};

struct RunTest : MeasuredModel {};

// Without a state that other processes could read.
struct LayersSeen : Measurement {
  std::vector<std::string> points;

  HookScope attach(Transformer& model, RunContext&) override {
    points.clear();
    return model->hooks().add(
        "blocks.*.hook_resid_post",
        [this](const torch::Tensor&, const std::string& name) { points.push_back(name); });
  }
};

TEST_F(RunTest, EveryBatchPassesOnceAndNoHookStays) {
  ChannelMean mean;
  LayersSeen layers;
  std::vector<std::pair<int64_t, int64_t>> progress;
  for (int time = 0; time < 2; ++time) {  // the second starts anew
    progress.clear();
    run(model, batches, {&mean, &layers},
        {.progress = [&](int64_t done, int64_t total) { progress.emplace_back(done, total); }});
  }
  const auto channel = all_of("hook_embed")["hook_embed"].select(2, 3);
  EXPECT_EQ(mean.values.count, kSequences * kLength);
  EXPECT_NEAR(mean.values.mean, channel.mean().item<double>(), 1e-6);
  EXPECT_EQ(layers.points.size(), batches.size() * model->config().n_layers);
  const int64_t all = kSequences * model->config().n_layers;
  EXPECT_EQ(progress.front(), (std::pair<int64_t, int64_t>{2, all}));
  EXPECT_EQ(progress.back(), (std::pair<int64_t, int64_t>{all, all}));
  EXPECT_EQ(model->hooks().hook_count(), 0u);
}

TEST_F(RunTest, StopAfterEndsWithTheLayerOfTheBlock) {
  LayersSeen layers;
  run(model, batches, {&layers}, {.stop_after = Block{2}});
  EXPECT_EQ(layers.points, std::vector<std::string>(3, "blocks.0.hook_resid_post"));
  EXPECT_THROW(run(model, batches, {&layers}, {.stop_after = Block{5}}), std::invalid_argument);
}

TEST_F(RunTest, AMeasurementWithoutStateBytesThrows) {
  LayersSeen layers;
  EXPECT_THROW(layers.serialize(), std::logic_error);
  EXPECT_THROW(layers.deserialize(""), std::logic_error);
  EXPECT_THROW(layers.merge_serialized(""), std::logic_error);
}

TEST_F(RunTest, AStateIsScannedOnceForAllThatWatchIt) {
  RunContext context;
  const auto state = torch::randn({2, 3, 4}), other = torch::randn({2, 3, 4});
  const auto* scan = &context.scan(state);
  EXPECT_EQ(scan, &context.scan(state));
  EXPECT_TRUE(torch::tensor(scan->channel_max).equal(state.abs().amax({0, 1})));
  EXPECT_TRUE(torch::tensor(context.scan(other).channel_max).equal(other.abs().amax({0, 1})));
}

TEST_F(ShareOfTest, SharesAreTheTextInOrder) {
  for (const int64_t count : {1, 2, 3, 4, 8}) {
    std::vector<torch::Tensor> ids;
    int64_t sequences = 0;
    for (int64_t rank = 0; rank < count; ++rank) {
      for (const auto& batch : batches_for_rank(batches, rank, count)) {
        EXPECT_EQ(batch.first_sequence, sequences);
        sequences += batch.ids.size(0);
        ids.push_back(batch.ids);
      }
    }
    EXPECT_TRUE(at::cat(ids).equal(tokens)) << count;
  }
}

}  // namespace
}  // namespace spikesink
