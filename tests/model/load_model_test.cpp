// What is wrong with a checkpoint is said by name.

#include "spikesink/model/load_model.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>

#include "model/checkpoint_copy.h"

namespace spikesink {
namespace {

struct LoadModelTest : testing::Test, CheckpointCopy {
  LoadModelTest() { take(SPIKESINK_GOLDENS "/tiny_llama/plain"); }

  const std::string some = "model.layers.1.mlp.up_proj.weight";
};

TEST_F(LoadModelTest, TheCopyIsGood) {
  save();
  EXPECT_EQ(load_model(folder.path())->config().n_layers, 2);
  EXPECT_EQ(load_model(folder / "model.safetensors")->config().n_layers, 2)
      << "the file alone, config.json beside it";
}

TEST_F(LoadModelTest, AMissingTensorIsNamed) {
  tensors.erase(some);
  const auto message = refusal();
  EXPECT_TRUE(contains(message, some));
  EXPECT_TRUE(contains(message, "missing"));
  EXPECT_TRUE(contains(message, "[40, 32]"));
}

TEST_F(LoadModelTest, AnUnusedTensorIsNamed) {
  tensors["model.layers.0.self_attn.sinks"] = torch::zeros({4});
  const auto message = refusal();
  EXPECT_TRUE(contains(message, "model.layers.0.self_attn.sinks"));
  EXPECT_TRUE(contains(message, "[4]"));
}

TEST_F(LoadModelTest, AZeroBiasThatTheModelLacksIsNotUsed) {
  tensors["model.layers.0.mlp.up_proj.bias"] = torch::zeros({40});
  save();
  EXPECT_NO_THROW(load_model(folder.path()));
  tensors["model.layers.0.mlp.up_proj.bias"][7] = 1e-6;
  EXPECT_TRUE(contains(refusal(), "model.layers.0.mlp.up_proj.bias"));
}

TEST_F(LoadModelTest, ExtraHeadsAndNamedTensorsAreIgnoredAndNamed) {
  tensors["score.weight"] = torch::zeros({2, 32});
  tensors["model.layers.0.probe.weight"] = tensors["model.layers.1.probe.weight"] =
      torch::ones({4});
  EXPECT_TRUE(contains(refusal(), "model.layers.0.probe.weight"));
  const auto read = load_model(folder.path(), {.ignored_tensors = {"*.probe.weight"}})->config();
  EXPECT_EQ(read.ignored_tensors,
            (std::vector<std::string>{"model.layers.0.probe.weight", "model.layers.1.probe.weight",
                                      "score.weight"}));
  EXPECT_EQ(describe_ignored(read),
            "ignored tensors: model.layers.0.probe.weight, model.layers.1.probe.weight, "
            "score.weight");
  const auto message = message_of<std::invalid_argument>(
      [&] { load_model(folder.path(), {.ignored_tensors = {"nonsense"}}); });
  EXPECT_TRUE(contains(message, "got 'nonsense', expected a tensor of the file"));
}

TEST_F(LoadModelTest, AClassifierHasNoUnembedding) {
  config["architectures"] = {"LlamaForSequenceClassification"};
  config["tie_word_embeddings"] = false;
  tensors.erase("lm_head.weight");
  tensors["score.weight"] = torch::zeros({2, 32});
  save();
  const auto read = load_model(folder.path())->config();
  EXPECT_EQ(read.head, OutputHead::kNone);
  EXPECT_EQ(read.ignored_tensors, std::vector<std::string>{"score.weight"});
}

TEST_F(LoadModelTest, NamesOfWrappersAreRecognised) {
  save();
  const auto ids = torch::arange(5).unsqueeze(0);
  const auto expected = load_model(folder.path())->forward(ids);
  for (const std::string prefix :
       {"_orig_mod.", "module.", "base_model.model.", "module._orig_mod."}) {
    std::map<std::string, torch::Tensor> wrapped;
    for (const auto& [name, values] : tensors) wrapped[prefix + name] = values;
    save_safetensors(folder / "model.safetensors", wrapped);
    EXPECT_TRUE(load_model(folder.path())->forward(ids).equal(expected)) << prefix;
  }
}

TEST_F(LoadModelTest, AWrongShapeIsReportedWithTheExpectedOne) {
  tensors[some] = torch::zeros({40, 31});
  const auto message = refusal();
  EXPECT_TRUE(contains(message, some));
  EXPECT_TRUE(contains(message, "got [40, 31], expected [40, 32]"));
}

TEST_F(LoadModelTest, WeightsMustBeFinite) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    tensors[some][3][4] = bad;
    EXPECT_TRUE(contains(refusal(), some));
  }
  tensors[some].fill_(3e38f);  // finite, although the sum is not
  save();
  EXPECT_NO_THROW(load_model(folder.path()));
}

TEST_F(LoadModelTest, WeightsMustBeFloatingPoint) {
  tensors[some] = torch::zeros({40, 32}, torch::kInt);
  EXPECT_TRUE(contains(refusal(), "floating point"));
}

TEST_F(LoadModelTest, AKeyThatChangesTheModelElsewhereIsAnError) {
  for (const auto& neutral :
       {nlohmann::json(nullptr), nlohmann::json(false), nlohmann::json(0), nlohmann::json("")}) {
    config["per_layer_config"] = config["quantization_config"] = neutral;
    save();
    EXPECT_NO_THROW(load_model(folder.path())) << neutral;
  }
  config["per_layer_config"] = {{"bits", 4}};
  const auto message = refusal();
  EXPECT_TRUE(contains(message, "per_layer_config"));
  EXPECT_TRUE(contains(message, R"({"bits":4})"));
}

TEST_F(LoadModelTest, AKeyThatTransformersDoesNotReadIsIgnoredAndNamed) {
  save();
  EXPECT_TRUE(load_model(folder.path())->config().ignored_keys.empty());
  config["max_window_layers"] = 2;
  config["unsloth_version"] = "2025.1";
  config["partial_rotary_factor"] = 0.5;
  config["rope_parameters"]["partial_rotary_factor"] = 0.5;
  config["rope_parameters"]["made_by"] = "hand";
  save();
  const auto read = load_model(folder.path())->config();
  EXPECT_EQ(read.ignored_keys,
            (std::vector<std::string>{"max_window_layers", "partial_rotary_factor",
                                      "rope_parameters.made_by",
                                      "rope_parameters.partial_rotary_factor", "unsloth_version"}));
  EXPECT_EQ(read.ropes.front().dimensions, read.d_head);
}

TEST_F(LoadModelTest, AnIgnoredKeyIsReadAsIfItWereAbsent) {
  config["per_layer_config"] = {{"bits", 4}};
  config["rope_parameters"]["rope_theta"] = 500.0;
  save();
  const std::vector<std::string> ignored = {"rope_parameters.rope_theta", "per_layer_config",
                                            "per_layer_config"};
  const auto read = load_model(folder.path(), {.ignored_keys = ignored})->config();
  EXPECT_EQ(read.ropes.front().theta, RopeConfig().theta);
  EXPECT_EQ(read.ignored_keys, (std::vector<std::string>{ignored[1], ignored[0]}));
  EXPECT_EQ(read_model_config(folder.path(), ignored).ignored_keys, read.ignored_keys);
  const auto message = message_of<std::invalid_argument>(
      [&] { read_model_config(folder.path(), {"quantisation_config"}); });
  EXPECT_TRUE(contains(message, "got 'quantisation_config', expected a key of the file"));
}

TEST_F(LoadModelTest, AnUnembeddingOfItsOwnIsKeptAlthoughItIsSaidToBeTied) {
  config["tie_word_embeddings"] = true;
  tensors["lm_head.weight"] = tensors.at("model.embed_tokens.weight").clone();
  save();
  auto model = load_model(folder.path());
  EXPECT_TRUE(model->config().tied_embeddings);
  EXPECT_TRUE(model->config().ignored_keys.empty());
  tensors["lm_head.weight"][1][2] += 1;
  save();
  model = load_model(folder.path());
  EXPECT_FALSE(model->config().tied_embeddings);
  EXPECT_EQ(model->config().ignored_keys, std::vector<std::string>{"tie_word_embeddings"});
  EXPECT_TRUE(model->unembedding.equal(tensors.at("lm_head.weight")));
  auto by_layer = load_model(folder.path(), {.weight_loading = WeightLoadingMode::kByLayer});
  EXPECT_FALSE(by_layer->config().tied_embeddings);
  const auto ids = torch::arange(5).unsqueeze(0);
  EXPECT_TRUE(by_layer->forward(ids).equal(model->forward(ids)));
}

TEST_F(LoadModelTest, RopeScalingIsReadBeforeRopeParameters) {
  config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 4.0}};
  save();
  const auto read = load_model(folder.path())->config();
  EXPECT_EQ(read.ropes.front().scaling.factor, 4);
  EXPECT_EQ(read.ignored_keys, std::vector<std::string>{"rope_parameters"});
  config["rope_scaling"] = false;
  save();
  EXPECT_TRUE(load_model(folder.path())->config().ignored_keys.empty());
}

TEST_F(LoadModelTest, InvalidConfigsAreErrors) {
  const std::vector<std::pair<const char*, nlohmann::json>> wrong = {
      {"model_type", "mamba"},
      {"hidden_act", "softsign"},
      {"num_hidden_layers", 2.5},
      {"num_hidden_layers", "two"},
      {"num_key_value_heads", 3},
      {"vocab_size", nullptr},
      {"is_causal", false},
      {"hidden_size", -32},
      {"rms_norm_eps", -1},
      {"attention_bias", 1},
      {"max_position_embeddings", 0},
      {"rope_parameters", {{"rope_type", "spiral"}, {"factor", 2.0}}},
      {"rope_parameters", "default"},
      {"num_hidden_layers", 1ll << 62},
      {"hidden_size", 1ll << 62}};
  const auto good = config;
  for (const auto& [key, value] : wrong) {
    config = good;
    config[key] = value;
    save();
    try {
      load_model(folder.path());
      ADD_FAILURE() << key << " = " << value << " was accepted";
    } catch (const std::exception& error) {
      EXPECT_EQ(dynamic_cast<const c10::Error*>(&error), nullptr) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    }
  }
}

TEST_F(LoadModelTest, AnOldAndANewSpellingOfTheConfigAreTheSame) {
  config["rope_theta"] = 10000.0;
  config["rope_scaling"] = nullptr;
  config["torch_dtype"] = "float32";
  config.erase("rope_parameters");
  config.erase("dtype");
  save();
  EXPECT_EQ(read_model_config(folder.path()).ropes.front().theta, 10000.0);
}

TEST_F(LoadModelTest, MissingAndBrokenFilesAreErrors) {
  EXPECT_THROW(load_model(folder / "nothing"), FileError);
  EXPECT_THROW(load_model(folder.path()), FileError) << "an empty folder";
  save();
  folder.write("config.json", "{");
  EXPECT_THROW(load_model(folder.path()), FileError);
  std::filesystem::remove(folder / "config.json");
  EXPECT_TRUE(contains(message_of<FileError>([&] { load_model(folder.path()); }), "config.json"));
}

TEST_F(LoadModelTest, ADtypeThatIsNotFloatingPointIsRefused) {
  save();
  for (const auto dtype : {torch::kInt, torch::kBool, torch::kFloat8_e4m3fn}) {
    const auto message =
        message_of<std::invalid_argument>([&] { load_model(folder.path(), {.dtype = dtype}); });
    EXPECT_TRUE(contains(message, c10::toString(dtype)));
    EXPECT_TRUE(contains(message, "float32, bfloat16, float16 or float64"));
  }
}

// Values that a family's reader does not understand, or that transformers cannot run.
TEST_F(LoadModelTest, OptionsOfFamiliesThatCannotBeReadAreRefused) {
  const auto refusal_of = [&](const char* model, const char* key, const nlohmann::json& value) {
    take(SPIKESINK_GOLDENS + ("/models/" + std::string(model)));
    config[key] = value;
    return refusal();
  };
  EXPECT_TRUE(contains(refusal_of("apertus/xielu", "rope_parameters", nullptr), "of RoPE"));
  EXPECT_TRUE(contains(refusal_of("ministral3/scaled", "rope_parameters", nullptr), "of RoPE"));
  EXPECT_TRUE(contains(refusal_of("cohere2/listed", "sliding_window", nullptr), "sliding_window"));
  EXPECT_TRUE(contains(refusal_of("exaone4/windows", "sliding_window", 0), "positive number or"));
  EXPECT_TRUE(contains(refusal_of("gptj/partial", "rotary_dim", 0), "rotary_dim: got 0"));
  EXPECT_TRUE(contains(refusal_of("xglm/scaled", "pad_token_id", 7), "pad_token_id: got 7"));
  EXPECT_TRUE(contains(refusal_of("llava/llama", "text_config", {{"model_type", "opt"}}),
                       "one with model_type llama"));
  for (const char* types : {"[[[\"far\"], 2]]", "[[[\"local\"], 3]]", "[[[], 2]]", "[2]"})
    EXPECT_TRUE(
        contains(refusal_of("gpt_neo/windows", "attention_types", nlohmann::json::parse(types)),
                 "attention_types"))
        << types;
}

TEST_F(LoadModelTest, MistralsWindowHasADefaultAndCanBeNull) {
  take(SPIKESINK_GOLDENS "/models/mistral/sliding");
  const auto window = [&] {
    save();
    return load_model(folder.path())->config().layer(0).window;
  };
  config.erase("sliding_window");
  EXPECT_EQ(window(), 4096);
  config["sliding_window"] = nullptr;
  EXPECT_EQ(window(), 0);
}

TEST_F(LoadModelTest, Float16IsNearFloat32) {
  const torch::NoGradGuard no_grad;
  save();
  const auto tokens = torch::arange(9).unsqueeze(0);
  const auto exact = load_model(folder.path())->forward(tokens);
  const auto half = load_model(folder.path(), {.dtype = torch::kHalf})->forward(tokens);
  EXPECT_EQ(half.scalar_type(), torch::kHalf);
  EXPECT_FALSE(half.to(torch::kFloat).equal(exact));
  EXPECT_TRUE(at::allclose(half.to(torch::kFloat), exact, 1e-2, 1e-2));
}

TEST_F(LoadModelTest, AWeightOutOfTheRangeOfFloat16IsNamed) {
  tensors[some] = tensors[some].clone();
  tensors[some][3][4] = -70000;
  save();
  EXPECT_NO_THROW(load_model(folder.path(), {.dtype = torch::kBFloat16}));
  const auto message =
      message_of<FileError>([&] { load_model(folder.path(), {.dtype = torch::kHalf}); });
  EXPECT_TRUE(contains(message, "'" + some + "' leaves the range of Half: got 70000"));
}

// transformers writes them so when it is told not to keep a checkpoint's layout.
TEST_F(LoadModelTest, ExpertsMayLieInOneTensor) {
  const torch::NoGradGuard no_grad;
  take(SPIKESINK_GOLDENS "/models/mixtral/two_of_four");
  save();
  const auto tokens = torch::arange(9).unsqueeze(0);
  const auto expected = load_model(folder.path())->forward(tokens);
  for (const auto layer : {"model.layers.0.", "model.layers.1."}) {
    const auto moved = [&](int expert, const char* matrix) {
      auto node = tensors.extract(
          fmt::format("{}block_sparse_moe.experts.{}.{}.weight", layer, expert, matrix));
      return node.mapped();
    };
    std::vector<torch::Tensor> gate_up, down;
    for (int expert = 0; expert < 4; ++expert) {
      gate_up.push_back(torch::cat({moved(expert, "w1"), moved(expert, "w3")}));
      down.push_back(moved(expert, "w2"));
    }
    tensors[std::string(layer) + "mlp.experts.gate_up_proj"] = torch::stack(gate_up);
    tensors[std::string(layer) + "mlp.experts.down_proj"] = torch::stack(down);
  }
  save();
  EXPECT_TRUE(load_model(folder.path())->forward(tokens).equal(expected));
}

TEST_F(LoadModelTest, AFusedTensorOfTheWrongShapeNamesWhatItLacks) {
  take(SPIKESINK_GOLDENS "/models/phi3/sliding");
  const std::string fused = "model.layers.0.self_attn.qkv_proj.weight";
  tensors[fused] = tensors[fused].slice(0, 1).clone();
  const auto message = refusal();
  EXPECT_TRUE(contains(message, fused));
  EXPECT_TRUE(contains(message, "cannot be taken"));
}

TEST(GgufIgnoredKeysTest, AreReadAsIfTheyWereAbsent) {
  const std::filesystem::path file = SPIKESINK_GOLDENS "/models/gemma2/softcaps/model.gguf";
  const std::vector<std::string> caps = {"gemma2.attn_logit_softcapping",
                                         "gemma2.final_logit_softcapping"};
  const auto config = read_model_config(file, caps);
  EXPECT_EQ(config.attention_softcap, 50) << "the family's default";
  EXPECT_EQ(config.logit_softcap, 30);
  EXPECT_EQ(config.ignored_keys, caps);
  const auto refusal = [&](const char* key) {
    return message_of<std::exception>([&] { read_model_config(file, {key}); });
  };
  EXPECT_TRUE(contains(refusal("gemma2.block_count"), "is ignored, but the model needs it"));
  EXPECT_TRUE(contains(refusal("general.architecture"), "a key of the file that begins with"));
  EXPECT_TRUE(contains(refusal("gemma2.new"), "got 'gemma2.new'"));
}

}  // namespace
}  // namespace spikesink
