#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/normalizer.h"

namespace spikesink::detail {

/// The compiled normalisation rules of SentencePiece: a double-array trie of the texts to replace,
/// and the replacements.
class CharMap {
 public:
  /// `bytes` contain the length of the array, the array, and the replacements, each terminated by
  /// NUL. Throws FileError if an offset is out of range.
  CharMap(std::string_view bytes, std::string_view where);

  /// Applies the rules as `tokenizers` does. Short grapheme clusters are looked up first; a cluster
  /// that begins with the left side of a rule is replaced as a whole.
  std::string apply(std::string_view text) const;

 private:
  std::optional<std::string_view> replacement(std::string_view chunk) const;
  void append(std::string_view cluster, std::string& out) const;
  void check_units(std::string_view where) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

NormalizerStep char_map_step(std::string_view bytes, std::string_view where);

/// Decodes base64. Throws FileError for invalid text.
std::string from_base64(std::string_view text, std::string_view where);

}  // namespace spikesink::detail
