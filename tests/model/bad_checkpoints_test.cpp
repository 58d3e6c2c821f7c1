// What is wrong with a checkpoint of any architecture is said in one sentence.

#include <gtest/gtest.h>

#include <set>

#include "golden_models.h"
#include "model/checkpoint_copy.h"
#include "one_thread.h"

namespace spikesink {
namespace {

// The first configuration of each model type.
std::vector<GoldenModel> one_of_each_type() {
  std::vector<GoldenModel> found;
  std::set<std::filesystem::path> types;
  for (const auto& model : golden_models()) {
    if (model.path == model.folder() && types.insert(model.path.parent_path()).second)
      found.push_back(model);
  }
  return found;
}

class BadCheckpointsTest : public testing::TestWithParam<GoldenModel>, protected CheckpointCopy {
 protected:
  BadCheckpointsTest() { take(GetParam().path); }

  OneThread one_thread;

  /// The object that holds the sizes: of a wrapper, that of its language model.
  nlohmann::json& sizes() {
    return config.contains("text_config") ? config["text_config"] : config;
  }
  std::string config_file() const { return (folder / "config.json").string(); }

  torch::Tensor logits() const {
    return load_model(folder.path())->forward(torch::arange(3).unsqueeze(0));
  }
  /// A checkpoint whose tensor is spoilt is refused by the tensor's name, or the model does not
  /// need it: a tied unembedding that is stored all the same.
  void expect_named(const std::string& tensor, const torch::Tensor& expected) const {
    save();
    try {
      EXPECT_TRUE(logits().equal(expected)) << tensor << " was not missed";
    } catch (const FileError& error) {
      EXPECT_TRUE(contains(error.what(), "'" + tensor + "'"));
      EXPECT_TRUE(contains(error.what(), folder.path().string()));
    }
  }

  torch::NoGradGuard no_grad;
};

TEST_P(BadCheckpointsTest, TheCopyIsGood) {
  save();
  EXPECT_TRUE(logits().isfinite().all().item<bool>());
}

TEST_P(BadCheckpointsTest, AnUnknownKeyIsNamed) {
  const auto good = config;
  const auto ignored = [&](nlohmann::json& object, const std::string& path) {
    object["entirely_new"] = 3;
    save();
    EXPECT_EQ(load_model(folder.path())->config().ignored_keys,
              std::vector<std::string>{path + "entirely_new"});
    config = good;
  };
  if (config["model_type"] == "spikesink") {
    config["entirely_new"] = 3;
    EXPECT_TRUE(contains(refusal(), "'entirely_new'"));
    return;
  }
  ignored(config, "");
  for (const std::string inside : {"text_config", "attn_config"}) {
    if (config.contains(inside)) ignored(config[inside], inside + ".");
  }
  const std::string outer = config.contains("text_config") ? "text_config." : "";
  for (const std::string rope : {"rope_parameters", "rope_scaling"}) {
    if (sizes().contains(rope) && sizes()[rope].is_object())
      ignored(sizes()[rope], outer + rope + ".");
  }
}

TEST_P(BadCheckpointsTest, AKeyThatTransformersReadsIsRefused) {
  config["per_layer_config"] = {{"0", {{"hidden_act", "relu"}}}};
  const auto message = refusal();
  EXPECT_TRUE(contains(message, "'per_layer_config'"));
  EXPECT_TRUE(contains(message, config_file()));
}

TEST_P(BadCheckpointsTest, AnUnknownModelTypeIsNamed) {
  config["model_type"] = "mamba";
  const auto message = refusal();
  EXPECT_TRUE(contains(message, "model_type: got 'mamba', expected one of "));
  EXPECT_TRUE(contains(message, ", bert, "));
  EXPECT_TRUE(contains(message, config_file()));
}

TEST_P(BadCheckpointsTest, AMissingShardIsNamed) {
  save_config();
  std::map<std::string, torch::Tensor> shards[2];
  nlohmann::json index;
  for (const auto& [name, tensor] : tensors) {
    const bool second = name != tensors.begin()->first;
    shards[second][name] = tensor;
    index["weight_map"][name] = second ? "second.safetensors" : "first.safetensors";
  }
  folder.write("model.safetensors.index.json", index.dump());
  save_safetensors(folder / "first.safetensors", shards[0]);
  save_safetensors(folder / "second.safetensors", shards[1]);
  EXPECT_NO_THROW(load_model(folder.path()));
  std::filesystem::remove(folder / "second.safetensors");
  const auto message = message_of<FileError>([&] { load_model(folder.path()); });
  EXPECT_TRUE(contains(message, "a shard is missing"));
  EXPECT_TRUE(contains(message, (folder / "second.safetensors").string()));
  EXPECT_TRUE(contains(message, "model.safetensors.index.json"));
}

TEST_P(BadCheckpointsTest, AMissingTensorIsNamed) {
  save();
  const auto expected = logits();
  const auto good = tensors;
  for (const auto& [name, tensor] : good) {
    tensors.erase(name);
    expect_named(name, expected);
    tensors = good;
  }
}

TEST_P(BadCheckpointsTest, ATensorOfAnotherShapeIsNamed) {
  save();
  const auto expected = logits();
  const auto good = tensors;
  for (const auto& [name, tensor] : good) {
    if (tensor.dim() == 0) continue;
    tensors[name] = at::cat({tensor, tensor.slice(0, 0, 1)});
    expect_named(name, expected);
    tensors = good;
  }
}

TEST_P(BadCheckpointsTest, AVocabularyOfAnotherSizeIsNamed) {
  const auto size = sizes()["vocab_size"].get<int64_t>();
  for (const int64_t wrong : {size - 1, size + 1}) {
    sizes()["vocab_size"] = wrong;
    EXPECT_TRUE(contains(refusal(), std::to_string(wrong)));
  }
}

// Whatever a key says, the model loads and runs or is refused.
TEST_P(BadCheckpointsTest, NoValueOfAKeyCrashes) {
  const nlohmann::json wrong[] = {nullptr, -1, 0, 3, 1ll << 62, "text", {1, "text"}};
  save();
  auto& keys = sizes();
  const auto good = keys;
  for (const auto& [key, value] : good.items()) {
    for (const auto& other : wrong) {
      keys = good;
      keys[key] = other;
      save_config();
      try {
        logits();
      } catch (const FileError& error) {
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      } catch (const std::exception& error) {
        ADD_FAILURE() << key << " = " << other << ": " << error.what();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, BadCheckpointsTest, testing::ValuesIn(one_of_each_type()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace spikesink
