#include "detail/utf8.h"

#include <algorithm>
#include <cstring>

namespace spikesink::detail {
namespace {

uint8_t byte_at(std::string_view text, size_t offset) {
  return static_cast<uint8_t>(text[offset]);
}

/// The bytes that must follow a lead byte. The bounds of the second byte exclude overlong forms,
/// surrogates and code points above U+10FFFF.
struct Lead {
  size_t continuations;
  uint8_t second_low;
  uint8_t second_high;
};

Lead lead_of(uint8_t byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {1, 0x80, 0xBF};
  if (byte >= 0xE0 && byte <= 0xEF) {
    return {2, static_cast<uint8_t>(byte == 0xE0 ? 0xA0 : 0x80),
            static_cast<uint8_t>(byte == 0xED ? 0x9F : 0xBF)};
  }
  if (byte >= 0xF0 && byte <= 0xF4) {
    return {3, static_cast<uint8_t>(byte == 0xF0 ? 0x90 : 0x80),
            static_cast<uint8_t>(byte == 0xF4 ? 0x8F : 0xBF)};
  }
  return {0, 0, 0};
}

/// Skips ASCII bytes, eight at a time, and returns the new offset.
size_t skip_ascii(std::string_view text, size_t offset) {
  uint64_t eight;
  while (offset + sizeof eight <= text.size()) {
    std::memcpy(&eight, text.data() + offset, sizeof eight);
    if ((eight & 0x8080808080808080U) != 0) break;
    offset += sizeof eight;
  }
  return offset;
}

}  // namespace

Utf8Sequence utf8_sequence(std::string_view text, size_t offset) {
  const uint8_t first = byte_at(text, offset);
  if (first < 0x80) return {1, first, true};
  const Lead lead = lead_of(first);
  if (lead.continuations == 0) return {1, 0, false};
  char32_t code_point = first & (0x3FU >> lead.continuations);
  for (size_t i = 1; i <= lead.continuations; ++i) {
    if (offset + i == text.size()) return {i, 0, false};
    const uint8_t byte = byte_at(text, offset + i);
    const uint8_t low = i == 1 ? lead.second_low : 0x80;
    const uint8_t high = i == 1 ? lead.second_high : 0xBF;
    if (byte < low || byte > high) return {i, 0, false};
    code_point = code_point << 6 | (byte & 0x3FU);
  }
  return {lead.continuations + 1, code_point, true};
}

bool is_valid_utf8(std::string_view text) {
  for (size_t offset = skip_ascii(text, 0); offset < text.size();) {
    const Utf8Sequence sequence = utf8_sequence(text, offset);
    if (!sequence.valid) return false;
    offset = skip_ascii(text, offset + sequence.bytes);
  }
  return true;
}

std::string repair_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t offset = 0; offset < text.size();) {
    const Utf8Sequence sequence = utf8_sequence(text, offset);
    if (sequence.valid) {
      result += text.substr(offset, sequence.bytes);
    } else {
      append_utf8(0xFFFD, result);
    }
    offset += sequence.bytes;
  }
  return result;
}

int64_t count_code_points(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

void append_utf8(char32_t code_point, std::string& text) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

size_t previous_code_point(std::string_view text, size_t end) {
  size_t begin = end - 1;
  while (begin > 0 && (byte_at(text, begin) & 0xC0) == 0x80) --begin;
  return begin;
}

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

size_t skip_space_left(std::string_view text, size_t end) {
  while (end > 0) {
    const size_t begin = previous_code_point(text, end);
    if (!is_white_space(utf8_sequence(text, begin).code_point)) break;
    end = begin;
  }
  return end;
}

size_t skip_space_right(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const Utf8Sequence sequence = utf8_sequence(text, begin);
    if (!is_white_space(sequence.code_point)) break;
    begin += sequence.bytes;
  }
  return begin;
}

}  // namespace spikesink::detail
