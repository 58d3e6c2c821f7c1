// The tokenizer of a GGUF model in several files.

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "read_bytes.h"
#include "spikesink/text/tokenizer.h"
#include "temp_dir.h"

namespace spikesink {
namespace {

template <typename T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// Inserts the keys of a part in a file.
std::string as_part(std::string bytes, uint32_t number) {
  constexpr size_t kValueCount = 16, kFirstKey = 24;
  constexpr uint32_t kUint32 = 4;
  std::string keys;
  for (const auto& [key, value] : {std::pair<std::string, uint32_t>("split.no", number),
                                   {"split.count", 2},
                                   {"split.tensors.count", 0}})
    keys += bytes_of<uint64_t>(key.size()) + key + bytes_of(kUint32) + bytes_of(value);
  uint64_t count = 0;
  std::memcpy(&count, bytes.data() + kValueCount, sizeof count);
  bytes.replace(kValueCount, sizeof count, bytes_of(count + 3));
  return bytes.insert(kFirstKey, keys);
}

TEST(SplitTokenizerTest, AnyPartHasTheTokenizerOfTheModel) {
  const auto whole = std::filesystem::path(SPIKESINK_GOLDENS) / "text/gguf/llama.gguf";
  const TempDir dir;
  const std::string empty =
      "GGUF" + bytes_of<uint32_t>(3) + bytes_of<uint64_t>(0) + bytes_of<uint64_t>(0);
  const auto first = dir.write("a-00001-of-00002.gguf", as_part(read_bytes(whole), 0));
  const auto second = dir.write("a-00002-of-00002.gguf", as_part(empty, 1));
  const std::string text = "A sink attracts attention, é 2+2.";
  const auto expected = load_tokenizer(whole)->encode(text);
  EXPECT_EQ(load_tokenizer(first)->encode(text), expected);
  EXPECT_EQ(load_tokenizer(second)->encode(text), expected);
}

}  // namespace
}  // namespace spikesink
