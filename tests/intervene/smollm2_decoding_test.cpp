// Decoding and bounded caches on a real model against transformers (scripts/goldens/smollm2.py).

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "spikesink/intervene/streaming.h"
#include "spikesink/model/generate.h"
#include "spikesink/model/load_model.h"

namespace spikesink {
namespace {

struct Smollm2DecodingTest : testing::Test {
  nlohmann::json golden;
  Transformer model{nullptr};
  std::vector<int64_t> text;

  void SetUp() override {
    if (!std::filesystem::exists(SPIKESINK_SMOLLM2))
      GTEST_SKIP() << "scripts/setup has not put the model into .deps";
    std::ifstream(SPIKESINK_GOLDENS "/smollm2.json") >> golden;
    model = load_model(SPIKESINK_SMOLLM2);
    for (const auto& window : golden["tokens"]) {
      for (const auto& id : window) text.push_back(id.get<int64_t>());
    }
  }
};

TEST_F(Smollm2DecodingTest, GreedyTokensAreTransformers) {
  const auto expected = golden["continuation"].get<std::vector<int64_t>>();
  const std::vector<int64_t> prompt(text.begin(), text.begin() + 16);
  EXPECT_EQ(generate(model, prompt, {.max_new_tokens = static_cast<int64_t>(expected.size())}),
            expected);
}

// Relative distances within the window are the text's own, so that a band of the whole text's
// attention matrix is the same thing.
TEST_F(Smollm2DecodingTest, WindowOnlyIsABandOfTheMatrix) {
  const auto& windowed = golden["windowed"];
  const auto losses = windowed["losses"].get<std::vector<double>>();
  text.resize(losses.size() + 1);
  const auto streamed =
      evaluate_streaming(model, torch::tensor(text, torch::kLong),
                         {.first = 0, .window = windowed["window"].get<int64_t>()},
                         {.step = windowed["step"].get<int64_t>(), .segment_length = 1});
  ASSERT_EQ(streamed.losses.size(), losses.size());
  for (size_t index = 0; index < losses.size(); ++index)
    EXPECT_NEAR(streamed.losses[index].mean, losses[index], 2e-3) << index;
}

}  // namespace
}  // namespace spikesink
