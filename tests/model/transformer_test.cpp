#include "spikesink/model/transformer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/checkpoint_copy.h"

namespace spikesink {
namespace {

// What a pass refuses; that passes are right is shown by architectures_test.cpp.
struct TransformerTest : testing::Test, CheckpointCopy {
  TransformerTest() { take(SPIKESINK_GOLDENS "/tiny_llama/plain"); }

  const std::string some = "model.layers.1.mlp.up_proj.weight";
};

TEST_F(TransformerTest, PaddingStandsAtTheEnd) {
  take(SPIKESINK_GOLDENS "/models/bert/padded");
  save();
  auto model = load_model(folder.path());
  const auto tokens = torch::ones({1, 3}, torch::kLong);
  for (const auto& wrong :
       {torch::tensor({{true, false, false}}), torch::tensor({{false, true, false}}),
        torch::tensor({{false, true}}), torch::tensor({{0, 0, 1}})}) {
    EXPECT_TRUE(contains(
        message_of<std::invalid_argument>([&] { model->forward(tokens, {.padding_mask = wrong}); }),
        "padding"));
  }
}

TEST_F(TransformerTest, TokensMustFitTheModel) {
  save();
  auto model = load_model(folder.path());
  const auto message_for = [&](const torch::Tensor& tokens) {
    return message_of<std::invalid_argument>([&] { model->forward(tokens); });
  };
  EXPECT_TRUE(contains(message_for(torch::tensor({{1, 61}})), "61"));
  EXPECT_TRUE(contains(message_for(torch::tensor({{-1, 3}})), "-1"));
  EXPECT_TRUE(contains(message_for(torch::zeros({1, 65}, torch::kLong)), "64"));
}

}  // namespace
}  // namespace spikesink
