#pragma once

#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "spikesink/weights/gguf.h"

namespace spikesink::detail {

/// Reads the metadata of a GGUF file's architecture key by key; keys are without the architecture's
/// prefix. Records which keys were read, so that the others can be refused or ignored.
class GgufKeys {
 public:
  /// `ignored` are keys to read as if they were absent; with the architecture's prefix, as in the
  /// file. Other ignored keys are appended to it; it must outlive this.
  GgufKeys(const GgufFile& file, std::vector<std::string>& ignored);

  bool has(std::string_view key) const;
  int64_t integer(std::string_view key);
  int64_t integer(std::string_view key, int64_t absent);
  /// Reads an integer, or a list with the same integer for each layer.
  int64_t layer_integer(std::string_view key, std::optional<int64_t> absent = {});
  /// Reads a flag for each layer, as booleans or integers; nullopt unless the value is a list.
  std::optional<std::vector<bool>> layer_flags(std::string_view key);
  bool flag(std::string_view key, bool absent);
  double number(std::string_view key);
  double number(std::string_view key, double absent);
  std::string text(std::string_view key, const std::string& absent);

  /// Accepts keys that do not change what the model computes in evaluation.
  void ignore(std::initializer_list<std::string_view> keys);
  /// Throws FileError unless `key` is absent or has this value, the only supported one.
  template <typename T>
  void expect(std::string_view key, T only);
  [[noreturn]] void refuse(std::string_view key, std::string_view expected) const;
  /// Throws FileError for a key that was neither read nor ignored, is not zero, false or empty, and
  /// that llama.cpp reads. Ignores the others, which cannot have changed the model.
  void refuse_or_ignore_unread();

  const GgufFile& file() const { return file_; }
  std::string where() const { return file_.path().string(); }

 private:
  std::string mark_read(std::string_view key);
  /// Returns nullptr if the key is absent or ignored.
  const GgufValue* find_value(std::string_view key);
  template <typename T>
  const T* find(std::string_view key);
  template <typename T>
  const T& get(std::string_view key);

  const GgufFile& file_;
  std::string architecture_, prefix_;
  std::set<std::string, std::less<>> absent_, read_;  // absent: with the prefix
  std::vector<std::string>* ignored_;
};

}  // namespace spikesink::detail
