#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"

namespace spikesink::detail {

/// A token that is recognised in the text before the model sees it.
struct AddedToken {
  int64_t id = 0;
  std::string content;
  bool single_word = false;  // only where no letter, mark, digit or underscore touches it
  bool left_strip = false;   // takes the white space before it along
  bool right_strip = false;  // and after it
  bool normalized = false;   // looked for in normalised text
  bool special = false;      // says something about the text and is not part of it
};

/// Finds added tokens: the leftmost first, of those the longest.
class AddedTokens {
 public:
  /// Looks for `form`, which is not empty: the content, or its normalised form.
  void add(AddedToken token, std::string_view form);

  struct Piece {
    std::string_view text;
    std::optional<int64_t> id;  // of the token that the piece is
  };
  /// All of `text`, which is valid UTF-8, in order.
  std::vector<Piece> split(std::string_view text) const;

 private:
  std::vector<AddedToken> tokens_;
  ByteTrie forms_;  // with places in tokens_
};

}  // namespace spikesink::detail
