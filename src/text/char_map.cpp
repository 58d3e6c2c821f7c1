#include "text/char_map.h"

#include <memory>

#include "detail/fail.h"
#include "detail/regex.h"
#include "detail/utf8.h"
#include "text/limits.h"
#include "text/unicode_properties.h"

namespace spikesink::detail {
namespace {

constexpr size_t kShortCluster = 6;  // bytes; longer clusters are replaced character by character

uint32_t little_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

// The fields of a unit of the double array, in the format of darts-clone.
bool has_leaf(uint32_t unit) {
  return (unit >> 8 & 1) != 0;
}
uint32_t leaf_value(uint32_t unit) {
  return unit & 0x7FFFFFFFU;
}
uint32_t label(uint32_t unit) {
  return unit & 0x800000FFU;
}
uint32_t offset(uint32_t unit) {
  return (unit >> 10) << ((unit & 0x200U) >> 6);
}

/// Returns the end of the grapheme cluster that begins at `begin`.
size_t cluster_end(std::string_view text, size_t begin) {
  static const Regex kCluster(
      fmt::format(R"(\r\n|[\p{{Cc}}\p{{Zl}}\p{{Zp}}]|\X(?:(?=[{}])\X)*)", late_mark_members()),
      "grapheme clusters");
  const auto is_ascii = [&](size_t at) { return static_cast<uint8_t>(text[at]) < 0x80; };
  const bool alone =
      is_ascii(begin) && text[begin] != '\r' && (begin + 1 == text.size() || is_ascii(begin + 1));
  if (alone) return begin + 1;
  return kCluster.find(text, begin)->end;
}

}  // namespace

CharMap::CharMap(std::string_view bytes, std::string_view where) {
  if (bytes.size() < 4)
    fail_format("[load_tokenizer] a charsmap has {} bytes, expected at least 4 ({})", bytes.size(),
                where);
  const size_t array_bytes = little_endian(bytes);
  bytes.remove_prefix(4);
  if (array_bytes == 0 || array_bytes % 4 != 0 || array_bytes > bytes.size()) {
    fail_format(
        "[load_tokenizer] a charsmap's array is out of range: got {} bytes of {}, expected a "
        "multiple of 4 ({})",
        array_bytes, bytes.size(), where);
  }
  units_.reserve(array_bytes / 4);
  for (size_t i = 0; i < array_bytes; i += 4) units_.push_back(little_endian(bytes.substr(i)));
  replacements_ = bytes.substr(array_bytes);
  if (!is_valid_utf8(replacements_))
    fail_format("[load_tokenizer] a charsmap's replacements are not UTF-8 ({})", where);
  check_units(where);
}

void CharMap::check_units(std::string_view where) const {
  for (size_t i = 0; i < units_.size(); ++i) {
    const bool is_node = label(units_[i]) < 0x100;
    if (!is_node || !has_leaf(units_[i])) continue;
    const size_t leaf = i ^ offset(units_[i]);
    const size_t target = leaf < units_.size() ? leaf_value(units_[leaf]) : replacements_.size();
    const bool inside = target < replacements_.size() && (replacements_[target] & 0xC0) != 0x80;
    if (!inside) {
      fail_format("[load_tokenizer] a charsmap has an offset out of range: got unit {} of {} ({})",
                  i, units_.size(), where);
    }
  }
}

std::optional<std::string_view> CharMap::replacement(std::string_view chunk) const {
  size_t node = offset(units_[0]);
  for (const char c : chunk) {
    const auto byte = static_cast<uint8_t>(c);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || label(units_[node]) != byte) return std::nullopt;
    const uint32_t unit = units_[node];
    node ^= offset(unit);
    if (has_leaf(unit)) {
      const auto found = std::string_view(replacements_).substr(leaf_value(units_[node]));
      return found.substr(0, found.find('\0'));
    }
  }
  return std::nullopt;
}

void CharMap::append(std::string_view cluster, std::string& out) const {
  if (cluster.size() < kShortCluster) {
    if (const auto found = replacement(cluster)) {
      out += *found;
      return;
    }
  }
  for (size_t begin = 0; begin < cluster.size();) {
    const auto character = cluster.substr(begin, utf8_sequence(cluster, begin).bytes);
    out += replacement(character).value_or(character);
    begin += character.size();
  }
}

std::string CharMap::apply(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = cluster_end(text, begin);
    append(text.substr(begin, end - begin), out);
    check_growth("normalizer", text.size(), out.size());
    begin = end;
  }
  return out;
}

NormalizerStep char_map_step(std::string_view bytes, std::string_view where) {
  return [map = std::make_shared<CharMap>(bytes, where)](NormalText& normal) {
    normal.text = map->apply(normal.text);
  };
}

std::string from_base64(std::string_view text, std::string_view where) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos)
      fail_format("[load_tokenizer] a charsmap is not base64: got the character 0x{:02x} ({})",
                  static_cast<uint8_t>(c), where);
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count);
  }
  return bytes;
}

}  // namespace spikesink::detail
