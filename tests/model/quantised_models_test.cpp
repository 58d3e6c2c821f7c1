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
