#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "spikesink/error.h"

// Functions for all fuzzing targets. A finding is a crash, a sanitizer report, a run beyond the
// time or memory limit, an exception other than FileError, or an error message that is not one
// line of text.

namespace fuzz {

/// A temporary folder in memory (/dev/shm), removed when the program ends.
class Folder {
 public:
  Folder() {
    std::string pattern = "/dev/shm/spikesink-fuzz-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(std::string_view name, std::string_view bytes) const {
    const auto file = path_ / name;
    std::FILE* stream = std::fopen(file.c_str(), "wb");
    if (stream == nullptr) std::abort();
    if (std::fwrite(bytes.data(), 1, bytes.size(), stream) != bytes.size()) std::abort();
    std::fclose(stream);
    return file;
  }

 private:
  std::filesystem::path path_;
};

/// Splits the input at record separators (ASCII 30) into `count` strings. The last one has the rest
/// of the input; missing ones are empty.
inline std::vector<std::string_view> split_input(std::string_view input, size_t count) {
  std::vector<std::string_view> strings;
  while (strings.size() + 1 < count) {
    const auto end = std::min(input.find('\x1e'), input.size());
    strings.push_back(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  strings.push_back(input);
  return strings;
}

/// Returns the bytes of a safetensors file. An input that starts with '{' is a header up to the
/// first zero byte, followed by the data; the header's length is added. Any other input is returned
/// unchanged.
inline std::string as_safetensors(std::string_view input) {
  if (!input.starts_with('{')) return std::string(input);
  const auto end = std::min(input.find('\0'), input.size());
  const uint64_t length = end;
  std::string file(sizeof(length), '\0');
  std::memcpy(file.data(), &length, sizeof(length));
  file += input.substr(0, end);
  file += input.substr(std::min(end + 1, input.size()));
  return file;
}

/// Aborts the program if the condition is false; libFuzzer then saves the input.
inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "finding: %s\n", what);
  std::abort();
}

/// Runs `what`, which may throw only a FileError with a message of one line. Anything else aborts
/// the program.
template <typename What>
void expect_format_error_at_worst(What what) {
  try {
    what();
  } catch (const spikesink::FileError& error) {
    const std::string_view text = error.what();
    const auto is_control = [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
    };
    require(text.starts_with('['), "an error that does not name its function");
    if (std::any_of(text.begin(), text.end(), is_control)) {
      std::fprintf(stderr, "%s\n", error.what());
      require(false, "an error with control characters");
    }
  }
}

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace fuzz
