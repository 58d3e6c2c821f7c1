#include "spikesink/train/train_config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "message_of.h"
#include "spikesink/error.h"
#include "spikesink/train/ablations.h"

namespace spikesink {
namespace {

using nlohmann::json;

TEST(TrainConfigTest, IsWrittenAndReadAgain) {
  auto config = ablation_config("table7/conditional-head", "nano");
  config.model.layers.assign(config.model.n_layers, {.window = 5});
  config.optimizer.beta2 = 0.97;
  const auto text = to_json(config);
  const auto again = read_train_config(text, "a.json");
  EXPECT_EQ(to_json(again), text);
  EXPECT_EQ(again.model.gate.input, GateInput::kHidden);
  EXPECT_EQ(again.model.layers.back().window, 5);
}

TEST(TrainConfigTest, UnknownAndInvalidKeysAreRefused) {
  const auto said = [](const json& change) {
    auto config = json::parse(to_json(baseline("nano")));
    config.merge_patch(change);
    return message_of<FileError>([&] { read_train_config(config.dump(), "a.json"); });
  };
  EXPECT_EQ(
      said({{"setps", 5}}),
      "[read_train_config] the key 'setps' is not understood: got 5, expected it absent (a.json)");
  EXPECT_TRUE(contains(
      said({{"model", {{"norm_placement", "prae"}}}}),
      "norm_placement: got \"prae\", expected one of pre, post, sandwich, output (a.json, model)"));
  EXPECT_TRUE(contains(said({{"optimizer", {{"beta1", "x"}}}}), "beta1 is of the wrong kind"));
  EXPECT_TRUE(
      contains(said({{"length", 65}}), "length: got 65, expected at most model.context = 64"));
  EXPECT_TRUE(contains(said({{"optimizer", {{"beta2", 1.5}}}}), "optimizer.beta2: got 1.5"));
  EXPECT_TRUE(contains(said({{"seed", -1}}), "expected an integer from 0 to 2^63 - 1"));
  EXPECT_TRUE(contains(said({{"data", {{"tokenizer", "x"}}}}), "data.training: got none"));
  EXPECT_TRUE(contains(said({{"data", {{"training", {"a"}}, {"separator", 65}}}}),
                       "data.separator: got 65, expected 0 to 64"));
}

}  // namespace
}  // namespace spikesink
