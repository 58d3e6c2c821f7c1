#include <gtest/gtest.h>

#include "detail/utf8.h"
#include "text/expected_ids.h"
#include "text/normalizer.h"
#include "text/read_tokenizer.h"

namespace spikesink::detail {
namespace {

std::vector<std::string> all_code_points() {
  std::vector<std::string> result;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c < 0xD800 || c >= 0xE000) append_utf8(c, result.emplace_back());
  }
  return result;
}

/// Of what each code point becomes, a line each.
std::string checksum(const NormalizerStep& step) {
  std::string all;
  for (const std::string& character : all_code_points()) {
    NormalText normal{character};
    step(normal);
    all += normal.text + "\n";
  }
  all.pop_back();
  return fnv1a(all);
}

/// Of the pieces of all code points with an 'a' between any two, a line each.
std::string checksum(const nlohmann::json& pre_tokenizer) {
  std::string text;
  for (const std::string& character : all_code_points()) text += character + "a";
  text.pop_back();
  const nlohmann::json file_json = {{"pre_tokenizer", pre_tokenizer}};
  JsonObject file(file_json, "test");
  TokenizerParts parts;
  read_pre_tokenizer(file, parts);
  std::string all;
  parts.pre_tokenizer.split(text, true,
                            [&](std::string_view piece) { all.append(piece).append("\n"); });
  all.pop_back();
  return fnv1a(all);
}

TEST(UnicodePropertiesTest, EveryCodePointIsWhatItIsToTokenizers) {
  const std::map<std::string, std::string> sums = {
      {"NFC", checksum(form_step(UnicodeForm::kC))},
      {"NFD", checksum(form_step(UnicodeForm::kD))},
      {"NFKC", checksum(form_step(UnicodeForm::kKC))},
      {"NFKD", checksum(form_step(UnicodeForm::kKD))},
      {"Lowercase", checksum(NormalizerStep(lower_case))},
      {"StripAccents", checksum(NormalizerStep(strip_marks))},
      {"Strip", checksum(strip_step(true, true))},
      {"BertNormalizer", checksum(NormalizerStep(BertNormalizer{}))},
      {"BertPreTokenizer", checksum(nlohmann::json{{"type", "BertPreTokenizer"}})},
      {"Whitespace", checksum(nlohmann::json{{"type", "Whitespace"}})},
      {"Punctuation",
       checksum(nlohmann::json{{"type", "Punctuation"}, {"behavior", "MergedWithPrevious"}})},
      {"Digits", checksum(nlohmann::json{{"type", "Digits"}, {"individual_digits", false}})},
  };
  const auto expected =
      read_json(kGoldens / "unicode.json").get<std::map<std::string, std::string>>();
  EXPECT_EQ(sums, expected);
}

}  // namespace
}  // namespace spikesink::detail
