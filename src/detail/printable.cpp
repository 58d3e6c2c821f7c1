#include "spikesink/printable.h"

#include <fmt/format.h>

#include "detail/utf8.h"

namespace spikesink {
namespace {

constexpr size_t kMostBytes = 1500, kLastBytes = 500;  // the end is often a path

bool is_printable(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
  const bool bidirectional = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return !control && !bidirectional;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (size_t offset = 0; offset < text.size();) {
    const auto sequence = detail::utf8_sequence(text, offset);
    const auto bytes = text.substr(offset, sequence.bytes);
    offset += sequence.bytes;
    if (!sequence.valid) {
      for (const char byte : bytes) result += fmt::format("\\x{:02x}", static_cast<uint8_t>(byte));
    } else if (is_printable(sequence.code_point)) {
      result += bytes;
    } else {
      const auto number = static_cast<uint32_t>(sequence.code_point);
      result +=
          number < 0x100 ? fmt::format("\\x{:02x}", number) : fmt::format("\\u{:04x}", number);
    }
  }
  return result;
}

// The first byte of the code point at or before `offset`.
size_t code_point_start(std::string_view text, size_t offset) {
  return detail::previous_code_point(text, offset + 1);
}

}  // namespace

std::string printable(std::string_view text) {
  auto result = text.size() > (4 * kMostBytes) ? escaped(text.substr(0, kMostBytes)) +
                                                     escaped(text.substr(text.size() - kMostBytes))
                                               : escaped(text);
  if (result.size() <= kMostBytes && text.size() <= 4 * kMostBytes) return result;
  const std::string_view all = result;
  return fmt::format("{} [...] {}", all.substr(0, code_point_start(all, kMostBytes - kLastBytes)),
                     all.substr(code_point_start(all, all.size() - kLastBytes)));
}

}  // namespace spikesink
