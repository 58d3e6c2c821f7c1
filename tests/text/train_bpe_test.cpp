#include "spikesink/text/train_bpe.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "temp_dir.h"
#include "text/expected_ids.h"

namespace spikesink {
namespace {

const std::filesystem::path kRepository = kGoldens / ".." / ".." / "..";

std::string passages() {
  return read_bytes(kRepository / "examples" / "data" / "passages.txt");
}

nlohmann::json trained(const std::vector<std::string_view>& texts,
                       const TrainBpeOptions& options = {}) {
  return nlohmann::json::parse(train_bpe(texts, options));
}

std::unique_ptr<Tokenizer> loaded(const std::string& tokenizer_json) {
  const TempDir folder;
  return load_tokenizer(folder.write("tokenizer.json", tokenizer_json));
}

TEST(TrainBpeTest, EqualsWhatTokenizersTrains) {
  const auto cases = read_json(kGoldens / "train_bpe.json");
  ASSERT_EQ(cases.size(), 3U);
  for (const auto& entry : cases) {
    std::vector<std::string> texts;
    if (entry.contains("file")) {
      texts.push_back(read_bytes(kRepository / entry["file"].get<std::string>()));
    } else {
      texts = entry.at("texts").get<std::vector<std::string>>();
    }
    const auto tokenizer =
        trained({texts.begin(), texts.end()}, {.vocabulary_size = entry.at("vocabulary"),
                                               .special_tokens = entry.at("special_tokens"),
                                               .min_frequency = entry.at("least_count")});
    const auto& expected = entry.at("tokenizer");
    EXPECT_EQ(tokenizer.at("model").at("merges"), expected.at("model").at("merges"));
    EXPECT_EQ(tokenizer, expected);
  }
}

TEST(TrainBpeTest, IsReadAndEncodesEveryText) {
  const auto tokenizer = loaded(train_bpe({passages()}, {.vocabulary_size = 600}));
  EXPECT_EQ(tokenizer->vocabulary_size(), 600);
  const std::string hard = read_bytes(kGoldens / "hard_unicode.txt");
  for (const std::string& text : {hard, passages(), std::string("a\0\x7F\n \U0001F600", 9)})
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  EXPECT_EQ(tokenizer->encode(" the").size(), 1U);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a\xFF\xE2\x82z")), "a\uFFFD\uFFFDz");
}

TEST(TrainBpeTest, SpecialTokensAreRecognised) {
  const auto tokenizer =
      loaded(train_bpe({passages()}, {.vocabulary_size = 300, .special_tokens = {"<s>", "</s>"}}));
  EXPECT_TRUE(tokenizer->is_special(0) && tokenizer->is_special(1) && !tokenizer->is_special(2));
  const Ids ids = tokenizer->encode("<s>a</s>");
  EXPECT_EQ(ids, (Ids{0, tokenizer->encode("a").at(0), 1}));
  EXPECT_EQ(tokenizer->decode(ids), "<s>a</s>");
}

TEST(TrainBpeTest, EndsWhereNoPairIsFrequentEnough) {
  const auto merges = [](const std::vector<std::string_view>& texts, int64_t min_frequency) {
    return trained(texts, {.min_frequency = min_frequency})["model"]["merges"].size();
  };
  EXPECT_EQ(merges({"xyz xyz xyz"}, 2), 3U);  // xy, xyz and, with the space, of the last two
  EXPECT_EQ(merges({"xyz xyz xyz"}, 3), 2U);
  EXPECT_EQ(merges({"xyz xyz xyz"}, 4), 0U);
  EXPECT_EQ(merges({"x", "y", "x", "y"}, 2), 0U) << "words end with their texts";
}

TEST(TrainBpeTest, BosIsPutBeforeEveryText) {
  const auto trained = train_bpe({"a"}, {.special_tokens = {"<s>", "<t>"}, .bos_token = "<t>"});
  const auto tokenizer = loaded(trained);
  EXPECT_EQ(tokenizer->prefix_ids(), std::vector<int64_t>{1});
  EXPECT_FALSE(tokenizer->adds_eos());
  EXPECT_FALSE(loaded(train_bpe({"a"}))->adds_bos());
}

TEST(TrainBpeTest, NoTokenIsLongerThanTheReaderAccepts) {
  const auto line = std::string(40'000, '=') + "\n";
  const auto tokenizer = loaded(train_bpe({line, line}, {.vocabulary_size = 300}));
  EXPECT_LT(tokenizer->vocabulary_size(), 300) << "the longer pairs were passed over";
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(line)), line);
}

TEST(TrainBpeTest, InvalidBytesAreReplacementCharacters) {
  EXPECT_EQ(train_bpe({"a\xFF\xFF \xE2\x82", "\xC0"}),
            train_bpe({"a\uFFFD\uFFFD \uFFFD", "\uFFFD"}));
}

TEST(TrainBpeTest, InvalidArgumentsAreRefused) {
  const auto error = [](const std::vector<std::string_view>& texts,
                        const TrainBpeOptions& options) {
    return message_of<std::invalid_argument>([&] { train_bpe(texts, options); });
  };
  EXPECT_EQ(error({"a"}, {.vocabulary_size = 10}),
            "[train_bpe] vocabulary_size: got 10, expected at least 257");
  EXPECT_EQ(error({"a"}, {.vocabulary_size = 257, .special_tokens = {"a", "b"}}),
            "[train_bpe] vocabulary_size: got 257, expected at least 258");
  EXPECT_EQ(error({"a"}, {.min_frequency = 0}),
            "[train_bpe] min_frequency: got 0, expected 1 or more");
  for (const auto& texts : {std::vector<std::string_view>{}, {"", ""}})
    EXPECT_EQ(error(texts, {}), "[train_bpe] texts: got 0 bytes, expected text to learn from");
  EXPECT_EQ(error({"a"}, {.bos_token = "<s>"}),
            "[train_bpe] bos_token: got '<s>', expected one of special_tokens");
  EXPECT_EQ(error({"a"}, {.special_tokens = {"<s>", "</s>", "<s>"}}),
            "[train_bpe] special_tokens: got '<s>' twice, expected it once");
  EXPECT_EQ(error({"a"}, {.special_tokens = {"<s>", ""}}),
            "[train_bpe] special_tokens: got an empty one, expected text");
  EXPECT_EQ(error({"a"}, {.special_tokens = {"<s>", "\xFF"}}),
            "[train_bpe] special_tokens: got one that is not UTF-8 at index 1");
}

}  // namespace
}  // namespace spikesink
