// Quantised checkpoints against the values of the formats' own packages:
// scripts/goldens/quantised.py.

#include <gtest/gtest.h>

#include <set>

#include "model/checkpoint_copy.h"
#include "model/open_model.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> golden_folders() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(SPIKESINK_GOLDENS "/quantised"))
    folders.push_back(entry.path());
  std::ranges::sort(folders);
  return folders;
}

class QuantisedModelsTest : public testing::TestWithParam<fs::path> {
 protected:
  torch::NoGradGuard no_grad;
};

// The reference may round once more, to the dtype of its scales.
void expect_close(const torch::Tensor& got, const torch::Tensor& expected,
                  const std::string& name) {
  ASSERT_EQ(got.sizes(), expected.sizes()) << name;
  const auto error = (got - expected).abs().max().item<double>();
  EXPECT_LE(error, expected.abs().max().item<double>() * 1.2e-7) << name;
}

TEST_P(QuantisedModelsTest, WeightsHaveTheValuesOfTheFormatsOwnPackage) {
  const auto opened = detail::open_model(GetParam(), {});
  const auto expected = open_weights(GetParam() / "expected.safetensors");
  ASSERT_FALSE(expected->tensors().empty());
  for (const auto& info : expected->tensors())
    expect_close(opened.source->tensor(info.name), expected->tensor(info.name), info.name);
}

TEST_P(QuantisedModelsTest, AModelIsLoadedWholeAndByLayer) {
  const auto ids = torch::arange(6).unsqueeze(0);
  auto whole = load_model(GetParam());
  EXPECT_FALSE(whole->config().quantisation.empty());
  const auto logits = whole->forward(ids);
  EXPECT_TRUE(logits.isfinite().all().item<bool>());
  auto by_layer = load_model(GetParam(), {.weight_loading = WeightLoadingMode::kByLayer});
  EXPECT_TRUE(by_layer->forward(ids).equal(logits));
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantisedModelsTest, testing::ValuesIn(golden_folders()),
                         [](const auto& format) {
                           auto name = format.param.filename().string();
                           std::ranges::replace_if(
                               name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

struct BadQuantisedModelsTest : testing::Test, CheckpointCopy {
  void take_golden(const std::string& name) { take(SPIKESINK_GOLDENS "/quantised/" + name); }
};

TEST_F(BadQuantisedModelsTest, AnUnknownMethodIsNamed) {
  take_golden("gptq_4bit_g32");
  config["quantization_config"]["quant_method"] = "aqlm";
  const auto message = refusal();
  EXPECT_TRUE(contains(message, "quant_method: got 'aqlm', expected one of awq, bitsandbytes"));
  EXPECT_TRUE(contains(message, "use a checkpoint of the model that is not quantised"));
  config["quantization_config"] = "gptq";
  EXPECT_TRUE(contains(refusal(), "quantization_config is of the wrong kind"));
}

TEST_F(BadQuantisedModelsTest, SettingsThatChangeTheWeightsAreRefused) {
  take_golden("ct_w4a16_g32");
  config["quantization_config"]["transform_config"] = {{"config_groups", {{"a", 1}}}};
  EXPECT_TRUE(contains(refusal(), "transform_config"));
  take_golden("gptq_4bit_g32");
  config["quantization_config"].erase("checkpoint_format");
  config["quantization_config"]["format"] = "marlin";
  EXPECT_TRUE(contains(refusal(), "format: got \"marlin\""));
  config.erase("quantization_config");
  EXPECT_TRUE(contains(refusal(), "copy the settings of quantize_config.json"));
}

TEST_F(BadQuantisedModelsTest, TensorsWithoutTheirScalesAreRefused) {
  take_golden("fp8_tensor_static");
  tensors.erase("model.layers.0.self_attn.q_proj.weight_scale");
  EXPECT_TRUE(contains(refusal(), "q_proj.weight_scale' does not fit: got no such tensor"));
  take_golden("bnb_int8");
  tensors["model.layers.0.self_attn.q_proj.weight_format"].fill_(2);
  EXPECT_TRUE(contains(refusal(), "weight_format' does not fit: got 2, expected 0"));
}

// A zero of 0 is stored as 15, and the packages add one to the whole word.
TEST_F(BadQuantisedModelsTest, AStoredZeroCarriesIntoTheNext) {
  take_golden("gptq_4bit_g32");
  auto& zeros = tensors.at("model.layers.0.self_attn.q_proj.qzeros");
  zeros.fill_(0x6F);  // + 0x11111111 = 0x11111180
  const auto& scales = tensors.at("model.layers.0.self_attn.q_proj.scales");
  auto& words = tensors.at("model.layers.0.self_attn.q_proj.qweight");
  words.fill_(0);
  save();
  const auto opened = detail::open_model(folder.path(), {});
  const auto weight = opened.source->tensor("model.layers.0.self_attn.q_proj.weight");
  const auto scale = scales.to(torch::kFloat32)[0];
  EXPECT_TRUE(weight[0][0].equal(scale[0] * -0.0F)) << weight[0][0];
  EXPECT_TRUE(weight[1][0].equal(scale[1] * -8));
  EXPECT_TRUE(weight[2][0].equal(scale[2] * -1));
}

TEST_F(BadQuantisedModelsTest, ScalesAreKeptForTheReport) {
  take_golden("fp8_tensor_static");
  save();
  const auto scales = load_model(folder.path())->config().activation_scales;
  ASSERT_FALSE(scales.empty());
  EXPECT_TRUE(scales.begin()->first.ends_with(".input_scale")) << scales.begin()->first;
  EXPECT_EQ(scales.begin()->second,
            tensors.at(scales.begin()->first).to(torch::kFloat64).item<double>());
}

}  // namespace
}  // namespace spikesink
