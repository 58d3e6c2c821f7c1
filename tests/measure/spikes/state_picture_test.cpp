#include "spikesink/measure/spikes/state_picture.h"

#include <gtest/gtest.h>

#include "measure/measured_model.h"

namespace spikesink {
namespace {

struct StatePictureTest : MeasuredModel {};

TEST_F(StatePictureTest, IsOfTheLargestState) {
  const auto scope = add_spikes();
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto picture = largest_state_picture(model, batches, life_cycle.result(),
                                             {.max_tokens = 8, .max_columns = 5});
  ASSERT_TRUE(picture);
  const auto ids = tokens.slice(0, picture->sequence, picture->sequence + 1);
  const auto point = model->hidden_state_hook_name(picture->block);
  const auto state = run_with_cache(model, ids, {point})[point][0].abs();
  EXPECT_EQ(picture->tokens.size(), 8u);
  EXPECT_EQ(picture->channels.front().first, 0);
  EXPECT_EQ(picture->channels.back().second, 31);
  for (size_t column = 0; column < 5; ++column) {
    const auto& [first, last] = picture->channels[column];
    EXPECT_EQ(picture->magnitudes[2][column],
              state[2].slice(0, first, last + 1).max().item<float>());
  }
}

// Where what follows a token matters, an encoder or a base that moves with the length, the whole
// sequence must pass.
TEST_F(StatePictureTest, IsOfTheStateThatWasMeasured) {
  auto config = tiny_config();
  config.causal = false;
  config.head = OutputHead::kNone;
  use(random_model(config));
  const auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(2, 3, 5000));
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto picture =
      largest_state_picture(model, batches, life_cycle.result(), {.max_tokens = 8});
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->magnitudes[2][3],
            static_cast<float>(
                life_cycle.result().block_of_largest_state()->hidden_state.top[0].magnitude));
}

TEST_F(StatePictureTest, ReachesTheLargestMagnitude) {
  const auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(15, 3, 5000));
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto picture =
      largest_state_picture(model, batches, life_cycle.result(), {.max_tokens = 8});
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->first_position, 8);
  ASSERT_EQ(picture->magnitudes.size(), 8u);
  EXPECT_GT(picture->magnitudes.back()[3], 4000);
  EXPECT_EQ(picture->tokens.back(), tokens[picture->sequence][15].item<int64_t>());
}

}  // namespace
}  // namespace spikesink
