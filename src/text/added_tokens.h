#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"

namespace spikesink::detail {

/// A token that is recognised in the text before the tokenizer model runs.
struct AddedToken {
  int64_t id = 0;
  std::string content;
  bool single_word = false;  // only if no letter, mark, digit or underscore is next to it
  bool left_strip = false;   // includes the white space before it
  bool right_strip = false;  // includes the white space after it
  bool normalized = false;   // searched in the normalised text
  bool special = false;      // a special token, such as BOS, which is not text
};

/// Finds added tokens: leftmost first; at the same position, the longest.
class AddedTokens {
 public:
  /// Adds a token. `form` is the text to search for: the content, or its normalised form; not
  /// empty.
  void add(AddedToken token, std::string_view form);

  struct Piece {
    std::string_view text;
    std::optional<int64_t> id;  // id of the added token; nothing for other text
  };
  /// Splits all of `text`, which must be valid UTF-8, into pieces in order.
  std::vector<Piece> split(std::string_view text) const;

 private:
  std::vector<AddedToken> tokens_;
  ByteTrie forms_;  // values are indices into tokens_
};

}  // namespace spikesink::detail
