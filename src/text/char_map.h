#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/normalizer.h"

namespace spikesink::detail {

/// SentencePiece's compiled normalisation rules: a double array of what is replaced, and the
/// replacements.
class CharMap {
 public:
  /// `bytes` are the length of the array, the array, and the replacements, each ended by NUL. Ones
  /// that lead outside of themselves are a FormatError.
  CharMap(std::string_view bytes, std::string_view where);

  /// Replaces as `tokenizers` does, which asks for short grapheme clusters first: of one that
  /// begins with a rule's left side, all is replaced.
  std::string apply(std::string_view text) const;

 private:
  std::optional<std::string_view> replacement(std::string_view chunk) const;
  void append(std::string_view cluster, std::string& out) const;
  void check_units(std::string_view where) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

NormalizerStep char_map_step(std::string_view bytes, std::string_view where);

/// The bytes that base64 spells; FormatError for other text.
std::string from_base64(std::string_view text, std::string_view where);

}  // namespace spikesink::detail
