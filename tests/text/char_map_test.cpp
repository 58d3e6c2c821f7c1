#include "text/char_map.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "spikesink/error.h"
#include "text/expected_ids.h"

namespace spikesink::detail {
namespace {

/// That of the golden "unigram".
std::string golden_map() {
  const auto tokenizer = read_json(kGoldens / "unigram" / "tokenizer.json");
  return from_base64(tokenizer.at("normalizer").at("precompiled_charsmap").get<std::string>(),
                     "test");
}

std::string little_endian(std::initializer_list<uint32_t> numbers) {
  std::string bytes;
  for (const uint32_t number : numbers) {
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(number >> shift);
  }
  return bytes;
}

TEST(CharMapTest, ShortClustersAreReplacedWhole) {
  const CharMap map(golden_map(), "test");
  EXPECT_EQ(map.apply(""), "");
  EXPECT_EQ(map.apply("plain"), "plain");
  EXPECT_EQ(map.apply("\u00aa\ufb01"), "afi");
  EXPECT_EQ(map.apply("a\r\nb"), "a b");              // one cluster
  EXPECT_EQ(map.apply("\u00aa\u0301b"), "ab");        // of which the mark is a part
  EXPECT_EQ(map.apply("\u00aa\u0301\u0301b"), "ab");  // too long a cluster
  EXPECT_EQ(map.apply("e\u0301x\u200b"), "\u00e9x");
  EXPECT_EQ(map.apply(std::string("\0\u00aa", 3)), std::string("\0a", 2));
}

TEST(CharMapTest, Base64IsRead) {
  EXPECT_EQ(from_base64("", "test"), "");
  EXPECT_EQ(from_base64("AP/+", "test"), std::string("\0\xFF\xFE", 3));
  EXPECT_EQ(from_base64("YWI=", "test"), "ab");
  EXPECT_TRUE(contains(message_of<FileError>([] { from_base64("Y*", "test"); }),
                       "a charsmap is not base64: got the character 0x2a (test)"));
}

TEST(CharMapTest, OffsetsOutsideTheMapAreRefused) {
  const auto error = [](const std::string& bytes) {
    return message_of<FileError>([&] { CharMap(bytes, "test"); });
  };
  EXPECT_TRUE(contains(error(""), "a charsmap has 0 bytes"));
  EXPECT_TRUE(contains(error(little_endian({0})), "array is out of range: got 0 bytes of 0"));
  EXPECT_TRUE(
      contains(error(little_endian({6, 0, 0})), "got 6 bytes of 8, expected a multiple of 4"));
  EXPECT_TRUE(contains(error(little_endian({0xFFFFFFFC, 0})), "array is out of range"));
  EXPECT_TRUE(contains(error(little_endian({4, 0}) + "\xFF"), "replacements are not UTF-8"));
  // A unit with a leaf far away, one whose value is no place, one in the middle of a character.
  const uint32_t leaf = 1U << 8;
  EXPECT_TRUE(contains(error(little_endian({4, leaf | 99U << 10})), "has an offset out of range"));
  EXPECT_TRUE(contains(error(little_endian({8, leaf | 1U << 10, 77}) + "a"), "got unit 0 of 2"));
  EXPECT_TRUE(
      contains(error(little_endian({8, leaf | 1U << 10, 1}) + "\u00e9"), "got unit 0 of 2"));
}

TEST(CharMapTest, DamagedMapsEndEverySearch) {
  const std::string good = golden_map();
  const std::string text = read_bytes(kGoldens / "hard_unicode.txt");
  for (size_t i = 0; i < good.size(); i += 7) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x5A);
    try {
      CharMap(bad, "test").apply(text);
    } catch (const FileError&) {
    }
  }
  // A unit that leads to itself.
  CharMap(little_endian({4, 0}), "test").apply(text);
}

}  // namespace
}  // namespace spikesink::detail
