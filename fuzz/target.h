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

// What the targets share. A finding is a crash, a report of a sanitizer, a run beyond the limits of
// time and memory, an exception of another kind than FormatError, and an error that is not one line
// of text.

namespace fuzz {

/// A folder in memory, removed when the program ends.
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

/// The input's bytes up to a record separator (ASCII 30), those up to the next, ...: as many parts
/// as asked for, the last with all that is left. One that is not there is empty.
inline std::vector<std::string_view> parts_of(std::string_view input, size_t count) {
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < count) {
    const auto end = std::min(input.find('\x1e'), input.size());
    parts.push_back(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  parts.push_back(input);
  return parts;
}

/// A safetensors file of a header without its length, from '{' to the first zero byte, and the data
/// behind that; any other input is a file as it is.
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

/// Ends the program where the condition does not hold: libFuzzer keeps the input.
inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "finding: %s\n", what);
  std::abort();
}

/// A bad file ends in a FormatError of one line; whatever else is thrown ends the program.
template <typename What>
void expect_format_error_at_worst(What what) {
  try {
    what();
  } catch (const spikesink::FormatError& error) {
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
