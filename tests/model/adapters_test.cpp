// Adapters against PEFT's merge_and_unload: scripts/goldens/adapters.py.

#include <gtest/gtest.h>

#include "model/checkpoint_copy.h"
#include "model/open_model.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;

fs::path golden(const std::string& name) {
  return fs::path(SPIKESINK_GOLDENS) / "adapters" / name;
}

// The bases have no adapter_config.json.
std::vector<std::string> adapters() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(golden(""))) {
    if (fs::exists(entry.path() / "adapter_config.json"))
      names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

class AdaptersTest : public testing::TestWithParam<std::string> {};

nlohmann::json read_json(const fs::path& file) {
  return nlohmann::json::parse(std::ifstream(file));
}

detail::OpenedModel open_merged(const std::string& name) {
  if (name.starts_with("unmerged")) return detail::open_model(golden(name), {});
  const auto config = read_json(golden(name) / "adapter_config.json");
  return detail::open_model(golden(config.at("base_model_name_or_path")),
                            {.adapter = golden(name)});
}

TEST_P(AdaptersTest, MergedWeightsAreThoseOfPeft) {
  const auto opened = open_merged(GetParam());
  const auto expected = open_weights(golden(GetParam()) / "expected.safetensors");
  ASSERT_FALSE(expected->tensors().empty());
  for (const auto& info : expected->tensors())
    EXPECT_TRUE(opened.source->tensor(info.name).allclose(expected->tensor(info.name), 1e-6, 1e-7))
        << info.name;
}

INSTANTIATE_TEST_SUITE_P(Goldens, AdaptersTest, testing::ValuesIn(adapters()));

// An adapter to be spoilt.
struct BadAdaptersTest : testing::Test, CheckpointCopy {
  void take_adapter(const std::string& name) {
    config = read_json(golden(name) / "adapter_config.json");
    tensors.clear();
    const auto source = open_weights(golden(name) / "adapter_model.safetensors");
    for (const auto& info : source->tensors())
      tensors[info.name] = source->tensor(info.name).clone();
  }
  template <typename Error = FileError>
  std::string refusal(const fs::path& base = golden("base")) const {
    folder.write("adapter_config.json", config.dump());
    save_safetensors(folder / "adapter_model.safetensors", tensors);
    return message_of<Error>([&] { load_model(base, {.adapter = folder.path()}); });
  }
  std::string first(const std::string& part) const {
    for (const auto& [name, values] : tensors) {
      if (name.find(part) != std::string::npos) return name;
    }
    ADD_FAILURE() << part;
    return "";
  }
};

TEST_F(BadAdaptersTest, ARankThatLiesIsReported) {
  take_adapter("lora");
  config["r"] = 5;
  EXPECT_TRUE(contains(refusal(), "A of rank 4 and B of rank 4, expected rank 5"));
}

TEST_F(BadAdaptersTest, TensorsThatDoNotFitAreReported) {
  take_adapter("lora");
  const auto good = tensors;
  tensors[first("lora_A")] = torch::zeros({4, 7});
  EXPECT_TRUE(contains(refusal(), "A and B for a weight"));
  tensors = good;
  tensors.erase(first("lora_B"));
  EXPECT_TRUE(contains(refusal(), "one of the matrices A and B, expected both"));
  tensors = good;
  tensors["base_model.model.model.layers.9.mlp.up_proj.lora_A.weight"] = torch::zeros({4, 32});
  tensors["base_model.model.model.layers.9.mlp.up_proj.lora_B.weight"] = torch::zeros({64, 4});
  EXPECT_TRUE(contains(refusal(),
                       "'model.layers.9.mlp.up_proj' does not fit: got a module that "
                       "the base model does not have"));
}

TEST_F(BadAdaptersTest, SeveralAdaptersInOneFileAreRefused) {
  take_adapter("lora");
  const auto name = first("q_proj.lora_A");
  const std::string ending = ".weight";
  tensors[name.substr(0, name.size() - ending.size()) + ".other" + ending] = tensors.at(name);
  EXPECT_TRUE(contains(refusal(), "the file has several adapters"));
}

TEST_F(BadAdaptersTest, PatternsThatContradictEachOtherAreRefused) {
  take_adapter("lora");
  config["alpha_pattern"] = {{"self_attn.q_proj", 32}, {".*_proj", 4}};
  EXPECT_TRUE(contains(refusal(), "two patterns with different values"));
  config["alpha_pattern"] = {{"self_attn.q_proj", 4}, {".*_proj", 4}};
  folder.write("adapter_config.json", config.dump());
  EXPECT_NO_THROW(load_model(golden("base"), {.adapter = folder.path()}));
}

// The base with a tied embedding, and an adapter that saved whole tensors.
struct TiedAdaptersTest : BadAdaptersTest {
  TiedAdaptersTest() {
    take_adapter("lora");
    tied.take(golden("base"));
    tied.config["tie_word_embeddings"] = true;
    tied.tensors.erase("lm_head.weight");
    tied.save();
    embedding = tied.tensors.at("model.embed_tokens.weight");
  }
  Transformer load() const {
    folder.write("adapter_config.json", config.dump());
    save_safetensors(folder / "adapter_model.safetensors", tensors);
    return load_model(tied.folder.path(), {.adapter = folder.path()});
  }

  const std::string embed = "base_model.model.model.embed_tokens.weight",
                    head = "base_model.model.lm_head.weight";
  CheckpointCopy tied;
  torch::Tensor embedding;
};

TEST_F(TiedAdaptersTest, AnEmbeddingThatIsNotChangedStaysTied) {
  tensors[embed] = embedding.clone();
  EXPECT_TRUE(load()->config().tied_embeddings);
}

TEST_F(TiedAdaptersTest, AReplacedEmbeddingIsTheUnembeddingOnlyIfTheAdapterSaysSo) {
  tensors[embed] = embedding + 1;
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { load(); }), "replaces only one of the embedding"));
  config["ensure_weight_tying"] = true;
  const auto model = load();
  EXPECT_TRUE(model->config().tied_embeddings);
  EXPECT_TRUE(model->embedding.equal(embedding + 1));
}

TEST_F(TiedAdaptersTest, AReplacedUnembeddingIsNoLongerTied) {
  tensors[head] = embedding + 1;
  const auto model = load();
  EXPECT_FALSE(model->config().tied_embeddings);
  EXPECT_TRUE(model->embedding.equal(embedding));
  EXPECT_TRUE(model->unembedding.equal(embedding + 1));
}

TEST_F(TiedAdaptersTest, ACopyOfTheEmbeddingInTheFileChangesNothing) {
  tied.tensors["lm_head.weight"] = embedding.clone();
  tied.save();
  tensors[embed] = embedding + 1;
  config["ensure_weight_tying"] = true;
  EXPECT_TRUE(load()->config().tied_embeddings);
}

TEST_F(BadAdaptersTest, SettingsThatAreNotReadAreRefused) {
  take_adapter("lora");
  const auto good = config;
  for (const auto& [key, value] : std::map<std::string, nlohmann::json>{
           {"peft_type", "IA3"},
           {"init_lora_weights", "pissa"},
           {"layer_replication", {{0, 1}}},
           {"trainable_token_indices", {1}},
           {"rank_pattern", {{"q_proj(", 4}}},
       }) {
    config = good;
    config[key] = value;
    EXPECT_TRUE(contains(refusal(), key));
  }
  config = good;
  config["use_dora"] = true;
  EXPECT_TRUE(contains(refusal(), "no magnitudes"));
}

TEST_F(BadAdaptersTest, AnAdapterAloneIsRefusedWithAHint) {
  const auto message = message_of<FileError>([] { load_model(golden("lora")); });
  EXPECT_TRUE(contains(message, "LoRA adapter"));
  EXPECT_TRUE(contains(message, "--adapter"));
}

TEST_F(BadAdaptersTest, AGgufFileHasOtherNames) {
  take_adapter("lora");
  const auto message = refusal<std::invalid_argument>(SPIKESINK_SMOLLM2);
  EXPECT_TRUE(contains(message, "for a GGUF file"));
}

TEST_F(BadAdaptersTest, AnUnmergedModelNeedsTheAdaptersConfiguration) {
  for (const char* file : {"config.json", "model.safetensors"})
    fs::copy_file(golden("unmerged") / file, folder / file);
  const auto message = message_of<FileError>([&] { load_model(folder.path()); });
  EXPECT_TRUE(contains(message, "the weights of a LoRA adapter are not merged"));
  EXPECT_TRUE(contains(message, "adapter_config.json"));
}

}  // namespace
}  // namespace spikesink
