#pragma once

#include "detail/regex.h"
#include "detail/utf8.h"

namespace spikesink::detail {

/// A match of a pattern, or the text between two matches.
struct Piece {
  size_t begin;
  size_t end;
  bool matched;
};

/// Calls `visit` with the pieces of `text` from left to right; matches may be empty.
template <typename Visit>
void for_each_piece(const Regex& pattern, std::string_view text, Visit visit) {
  size_t done = 0;
  size_t from = 0;
  bool any = false;
  while (from <= text.size()) {
    const auto match = pattern.find(text, from);
    if (!match) break;
    if (any && match->begin == match->end && match->end == done) {
      // Skip an empty match at the end of the last match.
      if (from == text.size()) break;
      from += utf8_sequence(text, from).bytes;
      continue;
    }
    if (done != match->begin) visit(Piece{done, match->begin, false});
    visit(Piece{match->begin, match->end, true});
    done = from = match->end;
    any = true;
  }
  if (done != text.size()) visit(Piece{done, text.size(), false});
}

}  // namespace spikesink::detail
