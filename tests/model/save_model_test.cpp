#include "spikesink/model/save_model.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "message_of.h"
#include "spikesink/error.h"
#include "spikesink/model/load_model.h"
#include "temp_dir.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

struct SaveModelTest : testing::Test {
  torch::NoGradGuard no_grad;
  TempDir folder;

  // What it is saved as; what is loaded again gives the same logits.
  std::string saved_as(const ModelConfig& config) {
    auto model = random_model(config, torch::kDouble);
    const auto tokens = random_tokens(2, 9);
    save_model(model, folder.path() / "m");
    auto again = load_model(folder.path() / "m", {.dtype = torch::kDouble});
    EXPECT_TRUE(at::allclose(again->forward(tokens), model->forward(tokens), 1e-12, 1e-14));
    nlohmann::json json;
    std::ifstream(folder.path() / "m" / "config.json") >> json;
    return json["model_type"].get<std::string>();
  }
};

TEST_F(SaveModelTest, ModelsThatTransformersKnowsAreSavedInItsFormat) {
  auto config = tiny_config();
  EXPECT_EQ(saved_as(config), "llama");
  config.tied_embeddings = true;
  EXPECT_EQ(saved_as(config), "llama");
  config.qk_norm = QkNorm::kPerHead;
  EXPECT_EQ(saved_as(config), "qwen3");
  config.qk_norm = QkNorm::kWhole;
  config.norm_placement = NormPlacement::kOutput;
  EXPECT_EQ(saved_as(config), "spikesink") << "olmo2 scales before it rounds";
  for (auto* norm : {&config.norm, &config.qk_norm_config, &config.final_norm})
    norm->scale_in_float32 = true;
  EXPECT_EQ(saved_as(config), "olmo2");
}

TEST_F(SaveModelTest, TheRestIsSavedAsOurs) {
  const auto change = [](auto with) {
    auto config = tiny_config();
    with(config);
    return config;
  };
  const std::vector<ModelConfig> configs = {
      tiny_hybrid_config(),
      change([](auto& c) { c.norm_placement = NormPlacement::kSandwich; }),
      change([](auto& c) { c.norm_placement = NormPlacement::kPost; }),
      change([](auto& c) { c.norm.kind = c.final_norm.kind = NormKind::kDynamicTanh; }),
      change([](auto& c) {
        c.gate = {GateInput::kHidden, GateWidth::kHead};
      }),
      change([](auto& c) {
        c.gate = {GateInput::kPosition, GateWidth::kChannel};
        c.context = 16;
      }),
      change([](auto& c) { c.learned_key_value = true; }),
      change([](auto& c) { c.sink_logits = true; }),
      change([](auto& c) { c.attention_form = AttentionForm::kSoftpick; }),
      change([](auto& c) { c.feed_forward = FeedForwardKind::kLinear; }),
      change([](auto& c) { c.feed_forward = FeedForwardKind::kNone; }),
      change([](auto& c) { c.layers.assign(2, {.window = 3}); }),
      change([](auto& c) { c.d_value = 6; }),
      change([](auto& c) {
        c.n_key_value_heads = c.n_heads;
        c.latent = {.kv_rank = 6, .q_rank = 5, .d_rope = 4};
        c.ropes.front().dimensions = 4;
      }),
  };
  for (const auto& config : configs) EXPECT_EQ(saved_as(config), "spikesink");
}

TEST_F(SaveModelTest, AFolderThatCannotBeWrittenIsNamed) {
  auto model = random_model();
  std::ofstream(folder.path() / "file") << "x";
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { save_model(model, folder.path() / "file"); }), "file"));
}

}  // namespace
}  // namespace spikesink
