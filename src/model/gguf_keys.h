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
  explicit GgufKeys(const GgufFile& file);

  bool has(std::string_view key) const;
  int64_t integer(std::string_view key) { return file_.get<int64_t>(mark_read(key)); }
  int64_t integer(std::string_view key, int64_t absent);
  double number(std::string_view key) { return file_.get<double>(mark_read(key)); }
  double number(std::string_view key, double absent);
  std::string text(std::string_view key, const std::string& absent);

  /// Accepts keys that do not change what the model computes in evaluation.
  void ignore(std::initializer_list<std::string_view> keys);
  /// Throws FileError unless `key` is absent or has this value, the only supported one.
  void expect(std::string_view key, int64_t only);
  /// Throws FileError for a key that was neither read nor ignored, unless it is zero.
  void refuse_unread() const;

  const GgufFile& file() const { return file_; }
  std::string where() const { return file_.path().string(); }

 private:
  std::string mark_read(std::string_view key);

  const GgufFile& file_;
  std::string prefix_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace spikesink::detail
