#include "text/byte_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace spikesink::detail {

ByteTokens::ByteTokens(const Vocabulary& vocabulary) {
  for (int byte = 0; byte < 256; ++byte)
    ids_[byte] = vocabulary.find(fmt::format("<0x{:02X}>", byte));
}

bool ByteTokens::append(std::string_view text, std::vector<int64_t>& ids) const {
  const auto id_of = [&](char byte) { return ids_[static_cast<uint8_t>(byte)]; };
  if (!std::ranges::all_of(text, [&](char byte) { return id_of(byte).has_value(); })) return false;
  for (const char byte : text) ids.push_back(*id_of(byte));
  return true;
}

std::optional<char> byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  uint8_t byte = 0;
  const char* end = token.data() + 5;
  const auto [stopped, error] = std::from_chars(token.data() + 3, end, byte, 16);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return static_cast<char>(byte);
}

}  // namespace spikesink::detail
