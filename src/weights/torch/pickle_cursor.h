#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "detail/fail.h"

namespace spikesink::detail {

/// Reads a pickle in order and checks every size against its end.
class PickleCursor {
 public:
  PickleCursor(std::string_view pickle, std::string_view where) : pickle_(pickle), where_(where) {}

  /// Error messages name the offset of the opcode that was read last.
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    fail_format("[open_torch_file] {} ({}, byte {} of data.pkl)",
                fmt::format(text, std::forward<Args>(args)...), where_, opcode_);
  }

  uint8_t opcode() {
    opcode_ = position_;
    return number<uint8_t>();
  }

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  std::string_view take(uint64_t bytes) {
    if (bytes > left()) fail("the pickle ends too early: got {} bytes, expected {}", left(), bytes);
    const std::string_view text = pickle_.substr(position_, bytes);
    position_ += bytes;
    return text;
  }

  /// Returns the text up to the next line break, which is skipped.
  std::string_view line() {
    const size_t end = pickle_.find('\n', position_);
    if (end == pickle_.npos) fail("the pickle ends within a name");
    const std::string_view text = take(end - position_);
    ++position_;
    return text;
  }

  uint64_t left() const { return pickle_.size() - position_; }
  /// Returns the offset of a text that `take` returned.
  uint64_t offset_of(std::string_view text) const {
    return static_cast<uint64_t>(text.data() - pickle_.data());
  }
  std::string_view text(uint64_t offset, uint64_t bytes) const {
    return pickle_.substr(offset, bytes);
  }

 private:
  std::string_view pickle_, where_;
  uint64_t position_ = 0, opcode_ = 0;
};

}  // namespace spikesink::detail
