#pragma once

#include <cstring>
#include <string>
#include <utility>

#include "detail/fail.h"
#include "weights/mapped_file.h"

namespace spikesink::detail {

/// Reads the values of a GGUF file in order and checks every size against the end of the file.
class GgufCursor {
 public:
  explicit GgufCursor(const MappedFile& file) : file_(file) {}

  /// Sets the section that is read next, for the error messages.
  void enter(std::string section) { section_ = std::move(section); }
  uint64_t position() const { return position_; }

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    detail::fail_format("[GgufFile] {} ({}, {})", fmt::format(text, std::forward<Args>(args)...),
                        file_.path().string(), section_);
  }

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }

  template <typename Stored>
  int64_t integer() {
    const auto value = number<Stored>();
    if (!std::in_range<int64_t>(value))
      fail("a number is too large: got {}, expected at most 2^63 - 1", value);
    return static_cast<int64_t>(value);
  }

  bool boolean() {
    const auto value = number<uint8_t>();
    if (value > 1) fail("a boolean is neither 0 nor 1: got {}", value);
    return value == 1;
  }

  std::string string() {
    const auto size = number<uint64_t>();
    return {reinterpret_cast<const char*>(take(size)), size};
  }

  /// Reads the name of a key or of a tensor.
  std::string name() {
    const auto size = number<uint64_t>();
    if (size > kMostNameBytes)
      fail("a name is too long: got {} bytes, expected at most {}", size, kMostNameBytes);
    return {reinterpret_cast<const char*>(take(size)), size};
  }

  /// Reads the number of items that follow, each of `least_bytes` or more.
  uint64_t count(uint64_t least_bytes) {
    const auto count = number<uint64_t>();
    const uint64_t most = (file_.size() - position_) / least_bytes;
    if (count > most)
      fail("the count passes the end of the file: got {} items, expected at most {}", count, most);
    return count;
  }

  /// Like `count`, for a list; also limits the total over all lists.
  uint64_t list_count(uint64_t least_bytes) {
    const uint64_t more = count(least_bytes);
    if (more > kMostItems - items_)
      fail("the lists are too long: got {} items after {}, expected at most {} of all", more,
           items_, kMostItems);
    items_ += more;
    return more;
  }

 private:
  static constexpr uint64_t kMostNameBytes = 65535;
  // In all lists together; real vocabularies have about a million
  static constexpr uint64_t kMostItems = 1 << 26;

  const uint8_t* take(uint64_t bytes) {
    const uint64_t left = file_.size() - position_;
    if (bytes > left)
      fail("the file ends too early: got {} bytes, expected {}; likely an interrupted download",
           left, bytes);
    const uint8_t* data = file_.data() + position_;
    position_ += bytes;
    return data;
  }

  const MappedFile& file_;
  uint64_t position_ = 0, items_ = 0;
  std::string section_ = "header";
};

}  // namespace spikesink::detail
