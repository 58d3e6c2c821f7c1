#include "text/pre_tokenizer.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "spikesink/error.h"
#include "text/expected_ids.h"
#include "text/known_pre_tokenizers.h"
#include "text/split_pattern.h"

namespace spikesink::detail {
namespace {

using Words = std::vector<std::string>;

Words words_of(const PreTokenizer& pre_tokenizer, std::string_view text) {
  Words words;
  pre_tokenizer.split(text, true, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

PreTokenizer splitting(const std::string& pcre2_pattern, SplitBehaviour behaviour,
                       bool invert = false) {
  PreTokenizer result;
  result.add(SplitStep{Regex(pcre2_pattern, "test"), behaviour, invert});
  return result;
}

TEST(PreTokenizerTest, SplitsAsTokenizersDoes) {
  const std::map<std::string, SplitBehaviour> behaviours = {
      {"removed", SplitBehaviour::kRemoved},
      {"isolated", SplitBehaviour::kIsolated},
      {"merged_with_previous", SplitBehaviour::kMergedWithPrevious},
      {"merged_with_next", SplitBehaviour::kMergedWithNext},
      {"contiguous", SplitBehaviour::kContiguous},
  };
  const auto cases = read_json(kGoldens / "splits.json");
  ASSERT_GT(cases.size(), 100U);
  for (const auto& entry : cases) {
    const auto pattern = entry.at("pattern").get<std::string>();
    const bool is_regex = entry.at("regex");
    const auto pre_tokenizer =
        splitting(is_regex ? to_pcre2(pattern, "test") : quoted_pattern(pattern),
                  behaviours.at(entry.at("behaviour")), entry.at("invert"));
    EXPECT_EQ(words_of(pre_tokenizer, entry.at("text").get<std::string>()),
              entry.at("pieces").get<Words>())
        << entry;
  }
}

TEST(PreTokenizerTest, EachStepCutsWhatTheOneBeforeLeft) {
  PreTokenizer pre_tokenizer = splitting(",", SplitBehaviour::kRemoved);
  pre_tokenizer.add(PrefixSpaceStep{});
  pre_tokenizer.add(SplitStep{Regex(" ?[a-z]", "test")});
  EXPECT_EQ(words_of(pre_tokenizer, "ab, c,,"), (Words{" a", "b", " c"}));
  EXPECT_EQ(words_of(pre_tokenizer, ""), Words{});
}

TEST(PreTokenizerTest, ThoseThatGgufFilesNameAreTheFamilies) {
  const std::string text = read_bytes(kGoldens / "hard_unicode.txt");
  const auto expected = read_json(kGoldens / "pre_tokenizers.json");
  for (const auto& [name, sum] : expected.items()) {
    TokenizerParts parts;
    add_known_pre_tokenizer(name, "test", parts);
    std::string all;
    for (const std::string& word : words_of(parts.pre_tokenizer, text)) {
      if (!all.empty()) all += '\0';
      all += word;
    }
    EXPECT_EQ(fnv1a(all), sum.get<std::string>()) << name;
  }
  EXPECT_EQ(expected.size(), 75U);
}

TEST(PreTokenizerTest, OnlyTheBeginningOfATextGetsAMetaspace) {
  PreTokenizer pre_tokenizer = splitting(",", SplitBehaviour::kRemoved);
  pre_tokenizer.add(MetaspaceStep{"_", MetaspaceStep::Prepend::kFirst});
  EXPECT_EQ(words_of(pre_tokenizer, "a b,c"), (Words{"_a_b", "c"}));
  EXPECT_EQ(words_of(pre_tokenizer, " a"), (Words{"_a"}));
  EXPECT_EQ(words_of(pre_tokenizer, ",a"), (Words{"a"}));
}

TEST(PreTokenizerTest, APatternThatTakesTooLongIsAFormatError) {
  const auto pre_tokenizer = splitting("(?:a+)+b|(?:a|a)*c", SplitBehaviour::kIsolated);
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { words_of(pre_tokenizer, std::string(5000, 'a')); }),
               "[Tokenizer] a pattern cannot be searched for: match limit exceeded"));
}

TEST(SplitPatternTest, PatternsThatPcre2ReadsDifferentlyAreRefused) {
  for (const char* pattern :
       {"\\h",    "\\R",    "\\b",     "\\1",         "\\k<a>", "\\Q",    "\\xff",      "\\x{}",
        "\\x{12", "\\u12",  "\\p",     "\\p{",        "\\p{}",  "\\pL",   "(?<name>a)", "(?#c)",
        "(?x)a",  "a(?i)b", "(*FAIL)", "[[:alpha:]]", "[a[b]]", "[a&&b]", "[]a]",       "[a",
        "[\\W]",  "a{,3}",  "a{2}+",   "a{2}?",       "a{x}",   "a{2",    "\\"}) {
    EXPECT_TRUE(
        contains(message_of<FileError>([&] { to_pcre2(pattern, "file.json"); }), "(file.json)"))
        << pattern;
  }
  for (const char* pattern : {"(", "a)", "[b-a]", "*", "a{70000}", "\\p{Nowhere}", "\\p{Q}"}) {
    EXPECT_TRUE(
        contains(message_of<FileError>([&] { Regex(to_pcre2(pattern, "file.json"), "file.json"); }),
                 "a pattern does not compile"))
        << pattern;
  }
}

}  // namespace
}  // namespace spikesink::detail
