#include "text/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "detail/utf8.h"

namespace spikesink::detail {
namespace {

constexpr char32_t kFirstSpare = 0x100;
constexpr int kSpares = 68;

struct Alphabet {
  std::array<char32_t, 256> character{};
  std::array<int, kFirstSpare + kSpares> byte{};  // -1: not in the alphabet

  Alphabet() {
    byte.fill(-1);
    char32_t spare = kFirstSpare;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD);
      character[b] = printable ? static_cast<char32_t>(b) : spare++;
      byte[character[b]] = b;
    }
  }
};

const Alphabet kAlphabet;

}  // namespace

std::string spelled(std::string_view bytes) {
  std::string result;
  for (const char byte : bytes)
    append_utf8(kAlphabet.character[static_cast<uint8_t>(byte)], result);
  return result;
}

std::optional<std::string> spelled_bytes(std::string_view token) {
  std::string result;
  for (size_t offset = 0; offset < token.size();) {
    const Utf8Sequence sequence = utf8_sequence(token, offset);
    const bool known = sequence.valid && sequence.code_point < kAlphabet.byte.size() &&
                       kAlphabet.byte[sequence.code_point] >= 0;
    if (!known) return std::nullopt;
    result += static_cast<char>(kAlphabet.byte[sequence.code_point]);
    offset += sequence.bytes;
  }
  return result;
}

}  // namespace spikesink::detail
