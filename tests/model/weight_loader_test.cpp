// A model whose weights come from the file layer by layer is the model that holds them all.

#include <gtest/gtest.h>

#include <limits>

#include "golden_models.h"
#include "model/checkpoint_copy.h"
#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/model/load_model.h"
#include "spikesink/model/save_model.h"

namespace spikesink {
namespace {

const LoadOptions kByLayer{.weight_loading = WeightLoadingMode::kByLayer};

torch::Tensor some_tokens(const ModelConfig& config) {
  torch::manual_seed(3);
  return torch::randint(config.d_vocabulary, {2, 9}, torch::kLong);
}

struct EveryModelByLayerTest : testing::TestWithParam<GoldenModel> {};

TEST_P(EveryModelByLayerTest, GivesTheSameValuesTwice) {
  const torch::NoGradGuard no_grad;
  auto whole = load_model(GetParam().path), by_layer = load_model(GetParam().path, kByLayer);
  ASSERT_NE(by_layer->weight_loader(), nullptr);
  const auto tokens = some_tokens(whole->config());
  const auto expected = whole->forward(tokens);
  for (int pass = 0; pass < 2; ++pass) EXPECT_TRUE(by_layer->forward(tokens).equal(expected));
  for (const auto& parameter : by_layer->named_parameters())
    EXPECT_EQ(parameter.value().numel(), 0) << parameter.key() << " stayed";
}

INSTANTIATE_TEST_SUITE_P(Models, EveryModelByLayerTest, testing::ValuesIn(golden_models()),
                         [](const auto& info) { return info.param.name(); });

struct ByLayerTest : testing::Test, CheckpointCopy {
  ByLayerTest() {
    take(SPIKESINK_GOLDENS "/tiny_llama/plain");
    save();
  }

  const std::string some = "model.layers.1.mlp.up_proj.weight";
};

TEST_F(ByLayerTest, PinnedWeightsStayUntilTheLastScopeEnds) {
  auto model = load_model(folder.path(), kByLayer);
  const auto& weight = model->layers[1]->mlp->up->weight;
  EXPECT_EQ(weight.numel(), 0);
  auto first = model->pin_weights(WeightGroup::layer(1)),
       second = model->pin_weights(WeightGroup::layer(1));
  EXPECT_TRUE(weight.equal(tensors.at(some)));
  EXPECT_EQ(model->layers[0]->mlp->up->weight.numel(), 0) << "another layer's";
  first.reset();
  EXPECT_TRUE(weight.equal(tensors.at(some)));
  second.reset();
  EXPECT_EQ(weight.numel(), 0);
  EXPECT_EQ(model->options().dtype(), torch::kFloat);
}

TEST_F(ByLayerTest, IsChosenWhereTheWeightsDoNotFit) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<int64_t>(tensor.nbytes());
  const auto comes_by_layer = [&](int64_t memory,
                                  WeightLoadingMode weight_loading = WeightLoadingMode::kAuto) {
    const auto model =
        load_model(folder.path(), {.weight_loading = weight_loading, .max_memory = memory});
    return model->weight_loader() != nullptr;
  };
  EXPECT_TRUE(comes_by_layer(bytes - 1));
  EXPECT_FALSE(comes_by_layer(bytes));
  EXPECT_FALSE(comes_by_layer(0)) << "this machine's free memory";
  EXPECT_FALSE(comes_by_layer(1, WeightLoadingMode::kWholeModel));
}

TEST_F(ByLayerTest, ErrorsAreReportedBeforeWeightsAreRead) {
  tensors.erase(some);
  save();
  EXPECT_TRUE(contains(message_of<FileError>([&] { load_model(folder.path(), kByLayer); }), some));
}

TEST_F(ByLayerTest, WeightsThatAreNotFiniteAreNamedWhenLoaded) {
  tensors[some][3][4] = std::numeric_limits<double>::quiet_NaN();
  save();
  auto model = load_model(folder.path(), kByLayer);
  const auto tokens = some_tokens(model->config());
  for (int attempt = 0; attempt < 2; ++attempt)
    EXPECT_TRUE(contains(message_of<FileError>([&] { model->forward(tokens); }), some));
  EXPECT_EQ(model->layers[0]->mlp->up->weight.numel(), 0);
}

TEST_F(ByLayerTest, ASavedModelIsWhole) {
  const TempDir copy;
  save_model(load_model(folder.path(), kByLayer), copy.path());
  const auto saved = open_weights(copy.path());
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(saved->tensor(name).equal(tensor)) << name;
}

TEST_F(ByLayerTest, StatesThatDoNotFitInMemoryWaitInAFile) {
  auto whole = load_model(folder.path());
  auto by_layer =
      load_model(folder.path(), {.weight_loading = WeightLoadingMode::kByLayer, .max_memory = 1});
  ASSERT_EQ(by_layer->weight_loader()->max_hidden_state_memory(), 0);
  TokenBatches batches;
  for (int64_t number = 0; number < 4; ++number) {
    const auto tokens = torch::randint(whole->config().d_vocabulary, {2, 5 + number}, torch::kLong);
    batches.push_back({tokens, 2 * number});
  }
  const auto measured = [&](Transformer& model) {
    LifeCycle life;
    Perplexity perplexity;
    run(model, batches, {&life, &perplexity});
    return std::pair(life.result().blocks.back().hidden_state.top.front().magnitude,
                     perplexity.result().mean_loss);
  };
  EXPECT_EQ(measured(by_layer), measured(whole));

  const char* before = std::getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  ::setenv("TMPDIR", (folder / "missing").c_str(), 1);
  const auto message = message_of<FileError>([&] { measured(by_layer); });
  before != nullptr ? ::setenv("TMPDIR", kept.c_str(), 1) : ::unsetenv("TMPDIR");
  EXPECT_TRUE(contains(message, (folder / "missing").string()));
  EXPECT_EQ(measured(by_layer), measured(whole)) << "after the failure";
}

}  // namespace
}  // namespace spikesink
