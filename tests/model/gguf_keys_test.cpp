// Keys of a GGUF file's architecture: those that nobody asks for, and what a file without a key
// means. llama.cpp decides both (scripts/gguf_keys.py names its commit).

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "message_of.h"
#include "one_thread.h"
#include "read_bytes.h"
#include "spikesink/model/load_model.h"
#include "temp_dir.h"

namespace spikesink {
namespace {

template <typename T>
std::string raw_bytes(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string gguf_text(const std::string& text) {
  return raw_bytes<uint64_t>(text.size()) + text;
}

// The type of a value, and the value, as a GGUF file stores them.
std::string gguf_value(uint32_t value) {
  return raw_bytes<uint32_t>(4) + raw_bytes(value);
}
std::string gguf_value(float value) {
  return raw_bytes<uint32_t>(6) + raw_bytes(value);
}
std::string gguf_value(bool value) {
  return raw_bytes<uint32_t>(7) + raw_bytes(value);
}
std::string gguf_value(const char* value) {
  return raw_bytes<uint32_t>(8) + gguf_text(value);
}
std::string gguf_value(const std::vector<uint32_t>& values) {
  auto bytes = raw_bytes<uint32_t>(9) + raw_bytes<uint32_t>(4) + raw_bytes<uint64_t>(values.size());
  for (const auto value : values) bytes += raw_bytes(value);
  return bytes;
}
std::string gguf_value(const std::vector<bool>& values) {
  auto bytes = raw_bytes<uint32_t>(9) + raw_bytes<uint32_t>(7) + raw_bytes<uint64_t>(values.size());
  for (const bool value : values) bytes += raw_bytes(value);
  return bytes;
}

/// A tiny model's file with other keys.
class EditedGguf {
 public:
  explicit EditedGguf(const std::string& model)
      : bytes_(read_bytes(std::filesystem::path(SPIKESINK_GOLDENS) / "models" / model /
                          "model.gguf")) {}

  EditedGguf& remove(const std::string& key) {
    const auto at = bytes_.find(gguf_text(key));
    EXPECT_NE(at, std::string::npos) << key;
    if (at != std::string::npos) bytes_[at + 8] = '_';  // a key of no architecture
    return *this;
  }

  template <typename T>
  EditedGguf& add(const std::string& key, const T& value) {
    insert(gguf_text(key) + gguf_value(value), 1);
    return *this;
  }

  template <typename T>
  EditedGguf& replace(const std::string& key, const T& value) {
    return remove(key).add(key, value);
  }

  ModelConfig config() { return read_model_config(write()); }
  Transformer model() { return load_model(write()); }
  std::string refusal() {
    return message_of<FileError>([&] { config(); });
  }

 private:
  static constexpr size_t kHeader = 24;  // its last number is that of the keys

  void insert(const std::string& pairs, uint64_t count) {
    uint64_t known = 0;
    std::memcpy(&known, bytes_.data() + kHeader - 8, 8);
    bytes_.replace(kHeader - 8, 8, raw_bytes(known + count));
    bytes_.insert(kHeader, pairs);
    added_ += pairs.size();
  }

  // The tensors' data must stay aligned.
  std::filesystem::path write() {
    const auto key = gguf_text("fill" + std::to_string(added_));
    const size_t empty = key.size() + gguf_value("").size();
    const size_t missing = (64 - (added_ + empty) % 32) % 32;
    insert(key + gguf_value(std::string(missing, ' ').c_str()), 1);
    return folder_.write("model.gguf", bytes_);
  }

  std::string bytes_;
  size_t added_ = 0;
  TempDir folder_;
};

torch::Tensor logits_of(Transformer model) {
  torch::NoGradGuard no_grad;
  return model->forward(torch::arange(9).unsqueeze(0));
}

std::vector<int64_t> windows_of(const ModelConfig& config) {
  std::vector<int64_t> windows;
  for (const auto& layer : config.layers) windows.push_back(layer.window);
  return windows;
}

constexpr const char* kLlama = "llama/llama3";  // with the tensor rope_freqs.weight
constexpr const char* kGptOss = "gpt_oss/yarn";

class GgufKeysTest : public testing::Test {
 protected:
  OneThread one_thread;
};

TEST_F(GgufKeysTest, AKeyThatLlamaCppDoesNotReadIsIgnoredAndNamed) {
  const auto model = EditedGguf(kLlama)
                         .add("llama.attention.sliding_window", 2U)
                         .add("llama.made_by", "someone")
                         .add("llama.flags", std::vector<bool>{true})
                         .add("qwen2.made_by", "someone")
                         .model();
  EXPECT_EQ(
      model->config().ignored_keys,
      (std::vector<std::string>{"llama.attention.sliding_window", "llama.flags", "llama.made_by"}));
  EXPECT_TRUE(logits_of(model).equal(logits_of(EditedGguf(kLlama).model())));
}

TEST_F(GgufKeysTest, AKeyThatLlamaCppReadsIsRefused) {
  EXPECT_TRUE(contains(EditedGguf(kLlama).add("llama.nextn_predict_layers", 1U).refusal(),
                       "[read_model_config] the key 'llama.nextn_predict_layers' is not "
                       "understood: got 1, expected it absent or neutral ("));
  EXPECT_TRUE(contains(EditedGguf("qwen2/tied").add("qwen2.rope.scaling.alpha", 1000.0F).refusal(),
                       "'qwen2.rope.scaling.alpha' is not understood: got 1000"));
  EXPECT_TRUE(contains(EditedGguf("gpt2/default").add("gpt2.rope.freq_base", 10000.0F).refusal(),
                       "'gpt2.rope.freq_base' is not understood"));
  EXPECT_TRUE(contains(EditedGguf(kLlama).add("llama.expert_used_count", 2U).refusal(),
                       "'llama.expert_used_count' is not understood: got 2"));
}

TEST_F(GgufKeysTest, NeutralValuesChangeNothing) {
  EditedGguf edited("qwen2/tied");
  const auto width = static_cast<uint32_t>(edited.config().d_head);
  const auto model = edited.add("qwen2.rope.scale_linear", 1.0F)
                         .add("qwen2.rope.scaling.attn_factor", 1.0F)
                         .add("qwen2.rope.scaling.finetuned", true)
                         .add("qwen2.rope.dimension_count_swa", width)
                         .add("qwen2.attention.key_length_swa", width)
                         .add("qwen2.attention.causal", true)
                         .add("qwen2.logit_scale", 1.0F)
                         .add("qwen2.tensor_data_layout", "Meta AI original pth")
                         .add("qwen2.expert_count", 0U)
                         .add("qwen2.expert_group_count", 1U)
                         .add("qwen2.nextn_predict_layers", 0U)
                         .add("qwen2.unknown", "")
                         .model();
  EXPECT_TRUE(model->config().ignored_keys.empty());
  EXPECT_TRUE(logits_of(model).equal(logits_of(EditedGguf("qwen2/tied").model())));
}

TEST_F(GgufKeysTest, OnlyTheLargestExaoneHasWindows) {
  EditedGguf edited("exaone4/v4");
  EXPECT_TRUE(contains(edited.add("exaone4.attention.sliding_window", 4U).refusal(),
                       "exaone4.attention.sliding_window: got 4, expected no window"));
}

TEST_F(GgufKeysTest, OtherValuesOfThemAreRefused) {
  const auto refusal = [](const char* key, const auto& value) {
    return EditedGguf("qwen2/tied").add(std::string("qwen2.") + key, value).refusal();
  };
  EXPECT_TRUE(contains(refusal("attention.causal", false),
                       "qwen2.attention.causal: got false, expected true ("));
  EXPECT_TRUE(contains(refusal("logit_scale", 2.0F), "qwen2.logit_scale: got 2, expected 1 ("));
  EXPECT_TRUE(contains(refusal("attention.key_length_swa", 6U), "key_length_swa: got 6, expected"));
  EXPECT_TRUE(contains(refusal("rope.dimension_count_swa", 6U), "count_swa: got 6, expected"));
  EXPECT_TRUE(contains(refusal("expert_group_count", 2U), "got 2, expected at most one group"));
  EXPECT_TRUE(contains(refusal("rope.scaling.type", "dynamic"),
                       "got dynamic, expected none, linear, yarn or longrope"));
  EXPECT_TRUE(contains(refusal("rope.scaling.type", "longrope"), "without tensors of factors"));
}

TEST_F(GgufKeysTest, TheOldKeyOfLinearScalingIsReadUnlessTheNewOneIs) {
  EditedGguf edited("qwen2/tied");
  edited.add("qwen2.rope.scale_linear", 2.0F);
  const auto old = edited.config().ropes.front().scaling;
  EXPECT_EQ(old.kind, RopeScalingKind::kLinear);
  EXPECT_EQ(old.factor, 2);
  EXPECT_EQ(edited.add("qwen2.rope.scaling.factor", 4.0F).config().ropes.front().scaling.factor, 4);
  edited.add("qwen2.rope.scaling.type", "none");
  EXPECT_EQ(edited.config().ropes.front().scaling.kind, RopeScalingKind::kNone);
}

TEST_F(GgufKeysTest, TheBaseOfRopeIsTenThousandForEveryArchitecture) {
  for (const std::string name : {"gemma3_text/one_in_six", "gpt_oss/yarn", "qwen3/tied"}) {
    const auto architecture = name.starts_with("gpt")     ? "gpt-oss"
                              : name.starts_with("gemma") ? "gemma3"
                                                          : "qwen3";
    EditedGguf edited(name);
    EXPECT_NE(edited.config().ropes.front().theta, 10000) << name;
    edited.remove(std::string(architecture) + ".rope.freq_base");
    EXPECT_EQ(edited.config().ropes.front().theta, 10000) << name;
  }
}

TEST_F(GgufKeysTest, GptOssNeedsItsWindowAndItsExpertsWidth) {
  for (const char* key : {"attention.sliding_window", "expert_feed_forward_length"}) {
    const auto name = std::string("gpt-oss.") + key;
    EXPECT_TRUE(contains(EditedGguf(kGptOss).remove(name).refusal(), name));
  }
}

TEST_F(GgufKeysTest, OnlyGptOssHasAWidthOfItsExperts) {
  EditedGguf edited(kLlama);
  const auto config = edited.add("llama.expert_count", 2U)
                          .add("llama.expert_used_count", std::vector<uint32_t>{1, 1})
                          .add("llama.expert_feed_forward_length", 5U)
                          .config();
  EXPECT_EQ(config.experts.d_mlp, config.d_mlp);
  EXPECT_EQ(config.experts.experts_per_token, 1);
  EXPECT_EQ(config.ignored_keys, std::vector<std::string>{"llama.expert_feed_forward_length"});
}

TEST_F(GgufKeysTest, YarnWithoutAFactorIsScaledByOne) {
  EditedGguf edited(kGptOss);
  const auto scaling = edited.remove("gpt-oss.rope.scaling.factor")
                           .remove("gpt-oss.rope.scaling.original_context_length")
                           .remove("gpt-oss.rope.scaling.yarn_beta_fast")
                           .remove("gpt-oss.rope.scaling.yarn_beta_slow")
                           .config()
                           .ropes.front()
                           .scaling;
  EXPECT_EQ(scaling.kind, RopeScalingKind::kYarn);
  EXPECT_EQ(scaling.factor, 1);
  EXPECT_EQ(scaling.attention_factor, 1);
  EXPECT_EQ(scaling.original_context, edited.config().context);
  EXPECT_EQ(scaling.beta_fast, 32);
  EXPECT_EQ(scaling.beta_slow, 1);
  edited.add("gpt-oss.rope.scale_linear", 8.0F);
  EXPECT_EQ(edited.config().ropes.front().scaling.factor, 8);
}

TEST_F(GgufKeysTest, TheFactorOfCosineAndSineMultipliesEveryScaling) {
  const auto plain = EditedGguf(kGptOss).config().ropes.front().scaling.attention_factor;
  const auto factor_of = [](const std::string& model, const std::string& architecture) {
    EditedGguf edited(model);
    return edited.add(architecture + ".rope.scaling.attn_factor", 2.0F)
        .config()
        .ropes.back()
        .scaling.attention_factor;
  };
  EXPECT_DOUBLE_EQ(factor_of(kGptOss, "gpt-oss"), 2 * plain);
  EXPECT_EQ(factor_of("qwen2/tied", "qwen2"), 2);
  EXPECT_EQ(factor_of("gemma3_text/one_in_six", "gemma3"), 2) << "of the layers with a window";
}

TEST_F(GgufKeysTest, LongRopeWithoutAnOriginalContextNeverUsesTheLongFactors) {
  EditedGguf edited("phi3/longrope_long");
  EXPECT_NE(edited.config().ropes.front().scaling.original_context, edited.config().context);
  edited.remove("phi3.rope.scaling.original_context_length");
  EXPECT_EQ(edited.config().ropes.front().scaling.original_context, edited.config().context);
}

TEST_F(GgufKeysTest, AFactorMultipliesTheTensorOfFactors) {
  const auto plain = EditedGguf(kLlama).config().ropes.front().scaling.short_factors;
  EditedGguf edited(kLlama);
  edited.add("llama.rope.scaling.factor", 2.0F);
  const auto scaled = edited.config().ropes.front().scaling.short_factors;
  ASSERT_EQ(scaled.size(), plain.size());
  for (size_t pair = 0; pair < plain.size(); ++pair) EXPECT_EQ(scaled[pair], 2 * plain[pair]);
  EXPECT_TRUE(contains(edited.add("llama.rope.scaling.type", "yarn").refusal(),
                       "got yarn, expected another type beside tensors of factors"));
}

TEST_F(GgufKeysTest, ASizeMayBeListedForEachLayer) {
  const auto plain = EditedGguf(kLlama).config();
  for (const auto& [key, size] : {std::pair{"feed_forward_length", plain.d_mlp},
                                  std::pair{"attention.head_count", plain.n_heads},
                                  std::pair{"attention.head_count_kv", plain.n_key_value_heads}}) {
    SCOPED_TRACE(key);
    const auto name = std::string("llama.") + key;
    const auto value = static_cast<uint32_t>(size);
    std::vector<uint32_t> sizes(static_cast<size_t>(plain.n_layers), value);
    const auto model = EditedGguf(kLlama).replace(name, sizes).model();
    EXPECT_TRUE(logits_of(model).equal(logits_of(EditedGguf(kLlama).model())));
    sizes.back() += 1;
    EXPECT_TRUE(contains(EditedGguf(kLlama).replace(name, sizes).refusal(),
                         "expected the same number for every layer"));
  }
}

TEST_F(GgufKeysTest, KeyValueHeadsAreAsManyAsHeads) {
  const auto config = EditedGguf(kLlama).remove("llama.attention.head_count_kv").config();
  EXPECT_EQ(config.n_key_value_heads, config.n_heads);
}

TEST_F(GgufKeysTest, Gemma2SlidesInEverySecondLayerUnlessTheFileSaysMore) {
  const auto edited = [] { return EditedGguf("gemma2/softcaps"); };
  const std::string pattern = "gemma2.attention.sliding_window_pattern";
  const auto config = edited().remove("gemma2.attention.sliding_window").config();
  auto windows = windows_of(config);
  for (size_t layer = 0; layer < windows.size(); ++layer)
    EXPECT_EQ(windows[layer], layer % 2 == 0 ? 4096 : 0);
  EXPECT_EQ(config.ropes.size(), 1U) << "one base";

  std::vector<bool> flags(windows.size(), false);
  flags.back() = true;
  windows = windows_of(edited().add(pattern, flags).config());
  for (size_t layer = 0; layer < windows.size(); ++layer)
    EXPECT_EQ(windows[layer] > 0, flags[layer]) << layer;
  flags.push_back(true);
  EXPECT_TRUE(contains(edited().add(pattern, flags).refusal(), " flags ("));

  windows = windows_of(edited().add(pattern, 0U).config());
  EXPECT_EQ(std::ranges::count(windows, 0), 0) << "a window in every layer";
  windows = windows_of(edited().add(pattern, 1U).config());
  EXPECT_EQ(std::ranges::count(windows, 0), std::ssize(windows)) << "in none";
}

TEST_F(GgufKeysTest, LayersWithAWindowMayHaveTheirOwnBase) {
  const auto check = [](const std::string& model, const std::string& architecture) {
    SCOPED_TRACE(model);
    EditedGguf edited(model);
    const auto plain = edited.config();
    EXPECT_EQ(plain.ropes.size(), 1U);
    const auto config = edited.add(architecture + ".rope.freq_base_swa", 500.0F).config();
    ASSERT_EQ(config.ropes.size(), 2U);
    EXPECT_EQ(config.ropes[0].theta, plain.ropes[0].theta);
    EXPECT_EQ(config.ropes[1].theta, 500);
    EXPECT_EQ(config.ropes[1].scaling.kind, plain.ropes[0].scaling.kind);
    for (const auto& layer : config.layers) EXPECT_EQ(layer.rope, layer.window > 0 ? 1 : 0);
  };
  check("gemma2/softcaps", "gemma2");
  check(kGptOss, "gpt-oss");
}

TEST_F(GgufKeysTest, Gemma3WithoutAWindowHasOneBase) {
  EditedGguf edited("gemma3_text/one_in_six");
  const auto config = edited.remove("gemma3.attention.sliding_window").config();
  for (const auto& layer : config.layers) {
    EXPECT_EQ(layer.window, 0);
    EXPECT_EQ(layer.rope, 0);
  }
}

}  // namespace
}  // namespace spikesink
