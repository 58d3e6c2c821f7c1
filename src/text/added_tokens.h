#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spikesink::detail {

/// A token that is recognised in the text before the model sees it.
struct AddedToken {
  int64_t id = 0;
  std::string content;
  bool single_word = false;  // only where no letter, mark, digit or underscore touches it
  bool left_strip = false;   // takes the white space before it along
  bool right_strip = false;  // and after it
  bool normalized = false;   // looked for in normalised text
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
  struct Node {
    std::map<char, size_t> next;
    std::optional<size_t> token;
  };
  struct Match {
    size_t end;
    size_t token;
  };
  std::optional<Match> match_at(std::string_view text, size_t begin) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_{1};
};

}  // namespace spikesink::detail
