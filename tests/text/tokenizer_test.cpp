#include "spikesink/text/tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "message_of.h"
#include "spikesink/error.h"
#include "temp_dir.h"
#include "text/expected_ids.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;
class KindTest : public testing::TestWithParam<const char*> {
 protected:
  fs::path file(const char* name) const { return kGoldens / GetParam() / name; }
};

TEST_P(KindTest, JsonGivesTheIdsOfTokenizers) {
  const auto expected = read_json(file("expected.json"));
  const auto tokenizer = load_tokenizer(file("tokenizer.json"));
  expect_ids(*tokenizer, expected);
  EXPECT_EQ(tokenizer->vocabulary_size(), expected.at("vocabulary_size").get<int64_t>());
}

TEST_P(KindTest, BosAndEosAreThoseOfTheTemplate) {
  const auto tokenizer = load_tokenizer(kGoldens / GetParam());
  expect_boundaries(*tokenizer, read_json(file("expected.json")));
}

INSTANTIATE_TEST_SUITE_P(Kinds, KindTest,
                         testing::Values("gpt2", "smollm", "llama3", "qwen2", "features", "several",
                                         "t5_of_2020"),
                         [](const auto& info) { return std::string(info.param); });

/// The kinds that GGUF files name.
class GgufKindTest : public KindTest {};

TEST_P(GgufKindTest, GivesTheIdsOfTokenizers) {
  const auto expected = read_json(file("expected.json"));
  const auto tokenizer = load_tokenizer(file("vocabulary.gguf"));
  expect_ids(*tokenizer, expected);
  EXPECT_EQ(tokenizer->vocabulary_size(), expected.at("vocabulary_size").get<int64_t>());
}

INSTANTIATE_TEST_SUITE_P(Kinds, GgufKindTest, testing::Values("gpt2", "smollm", "llama3", "qwen2"),
                         [](const auto& info) { return std::string(info.param); });

TEST(TokenizerTest, DecodingUndoesEncoding) {
  const std::string text = read_bytes(kGoldens / "hard_unicode.txt");
  for (const char* kind : {"gpt2", "smollm", "llama3"}) {  // those without a normalizer
    const auto tokenizer = load_tokenizer(kGoldens / kind);
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text) << kind;
  }
}

TEST(TokenizerTest, BoundariesAreReadFromEverySource) {
  const auto from_template = load_tokenizer(kGoldens / "features");
  EXPECT_EQ(from_template->bos_id(), 1);
  EXPECT_EQ(from_template->eos_id(), 2);
  EXPECT_TRUE(from_template->adds_bos() && from_template->adds_eos());

  const auto template_and_config = load_tokenizer(kGoldens / "llama3");
  EXPECT_EQ(template_and_config->bos_id(), 0);
  EXPECT_EQ(template_and_config->eos_id(), 1);
  EXPECT_TRUE(template_and_config->adds_bos());
  EXPECT_FALSE(template_and_config->adds_eos());

  const auto from_config = load_tokenizer(kGoldens / "qwen2");
  EXPECT_EQ(from_config->bos_id(), std::nullopt);
  EXPECT_EQ(from_config->eos_id(), 2);
  EXPECT_FALSE(from_config->adds_bos());

  const auto from_neither = load_tokenizer(kGoldens / "gpt2");
  EXPECT_EQ(from_neither->bos_id(), std::nullopt);
  EXPECT_EQ(from_neither->eos_id(), std::nullopt);

  const auto llama_gguf = load_tokenizer(kGoldens / "llama3" / "vocabulary.gguf");
  EXPECT_EQ(llama_gguf->bos_id(), 0);
  EXPECT_TRUE(llama_gguf->adds_bos());  // the family's rule, as the file has no flag

  const auto smollm_gguf = load_tokenizer(kGoldens / "smollm" / "vocabulary.gguf");
  EXPECT_EQ(smollm_gguf->bos_id(), 1);
  EXPECT_EQ(smollm_gguf->eos_id(), 2);
  EXPECT_FALSE(smollm_gguf->adds_bos());
}

TEST(TokenizerTest, ATemplateMayAddSeveralTokens) {
  const auto tokenizer = load_tokenizer(kGoldens / "several");
  const auto expected = read_json(kGoldens / "several" / "expected.json");
  EXPECT_EQ(tokenizer->encode_with_special_tokens("a"),
            expected.at("with_special_tokens").get<Ids>());
  EXPECT_EQ(tokenizer->prefix_ids(), (Ids{1, 2, 3}));
  EXPECT_EQ(tokenizer->suffix_ids(), (Ids{4, 5}));
  EXPECT_EQ(tokenizer->bos_id(), 1);
  EXPECT_EQ(tokenizer->eos_id(), 5);
  EXPECT_TRUE(tokenizer->adds_bos() && tokenizer->adds_eos());
  for (const int64_t id : {1, 2, 3, 4, 5}) EXPECT_TRUE(tokenizer->is_special(id)) << id;
}

TEST(TokenizerTest, BoundariesAreThoseOfTransformers) {
  const auto golden = read_json(kGoldens / "boundaries.json");
  for (const auto& entry : golden.at("cases")) {
    const TempDir folder;
    const auto& file = golden.at("tokenizers").at(entry.at("tokenizer").get<size_t>());
    folder.write("tokenizer.json", file.dump());
    folder.write("tokenizer_config.json", entry.at("config").dump());
    EXPECT_EQ(load_tokenizer(folder.path())->encode_with_special_tokens("ab"),
              entry.at("ids").get<Ids>())
        << entry.at("config") << file.at("post_processor");
  }
  EXPECT_EQ(golden.at("cases").size(), 200U);
}

TEST(TokenizerTest, IllFormedSequencesAreReplacementCharacters) {
  const auto tokenizer = load_tokenizer(kGoldens / "gpt2");
  const auto read_as = [&](std::string_view bytes) {
    return tokenizer->decode(tokenizer->encode(bytes));
  };
  EXPECT_EQ(read_as("a\xFF z"), "a\uFFFD z");
  EXPECT_EQ(read_as("\xE2\x82"), "\uFFFD");                            // cut short: one
  EXPECT_EQ(read_as("\xE2\x82\x61"), "\uFFFDa");                       // the letter is kept
  EXPECT_EQ(read_as("\xC0\xAF"), "\uFFFD\uFFFD");                      // overlong
  EXPECT_EQ(read_as("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");            // a surrogate
  EXPECT_EQ(read_as("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // beyond U+10FFFF
  EXPECT_EQ(read_as("\xF0\x9F\x98\xF0\x9F\x98\x80"), "\uFFFD\U0001F600");
}

TEST(TokenizerTest, ATokensTextShowsBytesThatAreNotUtf8) {
  const auto tokenizer = load_tokenizer(kGoldens / "gpt2");
  const Ids ids = tokenizer->encode("\u00A1\U0001F600");
  std::string shown;
  for (const int64_t id : ids) shown += tokenizer->token_text(id);
  EXPECT_EQ(shown, "<0xC2><0xA1><0xF0><0x9F><0x98><0x80>");
  EXPECT_EQ(tokenizer->token_text(tokenizer->encode(" the").at(0)), " the");
  EXPECT_EQ(tokenizer->token_text(0), "<|endoftext|>");
  EXPECT_EQ(tokenizer->decode({ids.at(2), ids.at(3)}), "\uFFFD");
}

TEST(TokenizerTest, IdsOutsideTheVocabularyAreRefused) {
  const auto tokenizer = load_tokenizer(kGoldens / "gpt2");
  for (const int64_t id : {int64_t{-1}, tokenizer->vocabulary_size()}) {
    EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] {
                           tokenizer->decode({0, id});
                         }),
                         "[Tokenizer::decode] no token has this id: got " + std::to_string(id)));
    EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { tokenizer->token_text(id); }),
                         "[Tokenizer::token_text]"));
  }
}

TEST(TokenizerTest, LongWordsTakeLinearTime) {
  const auto tokenizer = load_tokenizer(kGoldens / "gpt2");
  const auto begin = std::chrono::steady_clock::now();
  for (const char* letter : {"a", " ", "\n", "7", "\u4f60", "<|endoftext|"}) {
    std::string text;
    while (text.size() < 300'000) text += letter;
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST(TokenizerTest, ThreadsShareOne) {
  const auto tokenizer = load_tokenizer(kGoldens / "llama3");
  const std::string text = read_bytes(kGoldens / "hard_unicode.txt");
  const Ids expected = tokenizer->encode(text);
  std::vector<Ids> results(4);
  std::vector<std::thread> threads;
  for (Ids& result : results) threads.emplace_back([&] { result = tokenizer->encode(text); });
  for (std::thread& thread : threads) thread.join();
  for (const Ids& result : results) EXPECT_EQ(result, expected);
}

class SmolLm2Test : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(SPIKESINK_SMOLLM2)) GTEST_SKIP() << SPIKESINK_SMOLLM2 << " is not there";
    tokenizer_ = load_tokenizer(SPIKESINK_SMOLLM2);
    expected_ = read_json(kGoldens / "smollm2.json");
  }
  std::unique_ptr<Tokenizer> tokenizer_;
  nlohmann::json expected_;
};

TEST_F(SmolLm2Test, GivesTheIdsOfTokenizers) {
  expect_ids(*tokenizer_, expected_);
  EXPECT_EQ(tokenizer_->vocabulary_size(), 49152);
  EXPECT_EQ(tokenizer_->bos_id(), 1);
  EXPECT_EQ(tokenizer_->eos_id(), 2);
  EXPECT_FALSE(tokenizer_->adds_bos() || tokenizer_->adds_eos());
}

TEST_F(SmolLm2Test, GivesTheIdsOfTokenizersForWikiText) {
  if (wikitext("valid").empty()) GTEST_SKIP() << "SPIKESINK_WIKITEXT is not set";
  for (const char* split : {"valid", "test"}) {
    const std::string text = wikitext(split);
    const Ids ids = tokenizer_->encode(text);
    expect_same(ids, expected_.at("wikitext").at(split), split);
    EXPECT_EQ(tokenizer_->decode(ids), text) << split;
  }
}

}  // namespace
}  // namespace spikesink
