#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "spikesink/weights/gguf.h"

namespace spikesink::detail {

/// Reads the metadata of a GGUF file's architecture key by key; keys are without the architecture's
/// prefix. Records which keys were read, so that unknown keys can be refused.
class GgufKeys {
 public:
  /// `ignored_keys` are read as if they were absent; with the architecture's prefix, as in the
  /// file.
  GgufKeys(const GgufFile& file, const std::vector<std::string>& ignored_keys);

  bool has(std::string_view key) const;
  int64_t integer(std::string_view key);
  int64_t integer(std::string_view key, int64_t absent);
  double number(std::string_view key);
  double number(std::string_view key, double absent);
  std::string text(std::string_view key, const std::string& absent);

  /// Accepts keys that do not change what the model computes in evaluation.
  void ignore(std::initializer_list<std::string_view> keys);
  /// Throws FileError unless `key` is absent or has this value, the only supported one.
  template <typename T>
  void expect(std::string_view key, T only);
  /// Throws FileError for a key that was neither read nor ignored, unless it is zero.
  void refuse_unread() const;

  const GgufFile& file() const { return file_; }
  std::string where() const { return file_.path().string(); }

 private:
  std::string mark_read(std::string_view key);
  /// Returns nullptr if the key is absent or ignored.
  template <typename T>
  const T* find(std::string_view key);
  template <typename T>
  const T& get(std::string_view key);

  const GgufFile& file_;
  std::string prefix_;
  std::set<std::string, std::less<>> ignored_, read_;  // ignored: with the prefix
};

}  // namespace spikesink::detail
