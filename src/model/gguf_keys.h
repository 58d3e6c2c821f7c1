#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "spikesink/weights/gguf.h"

namespace spikesink::detail {

/// Reads the metadata of a GGUF file's architecture key by key, without the architecture's prefix,
/// and remembers which were asked for, so that what nobody understood can be refused.
class GgufKeys {
 public:
  explicit GgufKeys(const GgufFile& file);

  bool has(std::string_view key) const;
  int64_t integer(std::string_view key) { return file_.get<int64_t>(note(key)); }
  int64_t integer(std::string_view key, int64_t absent);
  double number(std::string_view key) { return file_.get<double>(note(key)); }
  double number(std::string_view key, double absent);
  std::string text(std::string_view key, const std::string& absent);

  /// These keys do not change what an evaluated model computes.
  void ignore(std::initializer_list<std::string_view> keys);
  /// Throws FormatError unless `key` is absent or has this value, the only one understood.
  void expect(std::string_view key, int64_t only);
  /// Throws FormatError for a key that was neither read nor ignored, unless it is zero.
  void refuse_unread() const;

  const GgufFile& file() const { return file_; }
  std::string where() const { return file_.path().string(); }

 private:
  std::string note(std::string_view key);

  const GgufFile& file_;
  std::string prefix_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace spikesink::detail
