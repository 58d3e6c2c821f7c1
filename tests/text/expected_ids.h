#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "read_bytes.h"
#include "spikesink/text/tokenizer.h"

namespace spikesink {

using Ids = std::vector<int64_t>;

inline const std::filesystem::path kGoldens = std::filesystem::path(SPIKESINK_GOLDENS) / "text";

inline nlohmann::json read_json(const std::filesystem::path& file) {
  return nlohmann::json::parse(read_bytes(file));
}

/// FNV-1a, 64 bits, in hexadecimal.
inline std::string fnv1a(std::string_view bytes) {
  uint64_t state = 0xCBF29CE484222325U;
  for (const char byte : bytes) state = (state ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(state));
  return text;
}

/// Over each id's four bytes, the lowest first.
inline std::string fnv1a(const Ids& ids) {
  std::string bytes;
  for (const int64_t id : ids) {
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(id >> shift & 0xFF);
  }
  return fnv1a(bytes);
}

/// `expected` are the ids, or their number and checksum.
inline void expect_same(const Ids& ids, const nlohmann::json& expected, const char* what) {
  if (expected.is_array()) {
    EXPECT_EQ(ids, expected.get<Ids>()) << what;
    return;
  }
  EXPECT_EQ(ids.size(), expected.at("count").get<size_t>()) << what;
  EXPECT_EQ(fnv1a(ids), expected.at("fnv1a").get<std::string>()) << what;
}

inline void expect_ids(const Tokenizer& tokenizer, const nlohmann::json& expected) {
  expect_same(tokenizer.encode(read_bytes(kGoldens / "hard_unicode.txt")),
              expected.at("hard_unicode"), "hard_unicode.txt");
  const auto texts = read_json(kGoldens / "tricky.json");
  ASSERT_EQ(texts.size(), expected.at("tricky").size());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(tokenizer.encode(texts[i].get<std::string>()), expected["tricky"][i].get<Ids>())
        << texts[i];
  }
}

inline void expect_decoded(const Tokenizer& tokenizer, const nlohmann::json& expected) {
  for (size_t i = 0; i < expected.at("tricky").size(); ++i) {
    EXPECT_EQ(tokenizer.decode(expected["tricky"][i].get<Ids>()),
              expected.at("decoded").at(i).get<std::string>())
        << expected["tricky"][i];
  }
  const Ids ids = tokenizer.encode(read_bytes(kGoldens / "hard_unicode.txt"));
  EXPECT_EQ(fnv1a(tokenizer.decode(ids)), expected.at("decoded_hard_unicode").get<std::string>());
}

/// What the tokenizer's rule makes of "a".
inline void expect_boundaries(const Tokenizer& tokenizer, const nlohmann::json& expected) {
  EXPECT_EQ(tokenizer.encode_with_special_tokens("a"),
            expected.at("with_special_tokens").get<Ids>());
}

/// The text of one part of WikiText-2, whose folder SPIKESINK_WIKITEXT names; empty where it is not
/// set.
inline std::string wikitext(const std::string& split) {
  const char* folder = std::getenv("SPIKESINK_WIKITEXT");
  return folder == nullptr ? "" : read_bytes(std::filesystem::path(folder) / (split + ".txt"));
}

}  // namespace spikesink
