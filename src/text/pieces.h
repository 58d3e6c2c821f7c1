#pragma once

#include "detail/utf8.h"
#include "text/regex.h"

namespace spikesink::detail {

/// A stretch of text that a pattern matches, or one between two matches.
struct Piece {
  size_t begin;
  size_t end;
  bool matched;
};

/// Calls `visit` with the pieces of `text` from left to right, some of them empty.
template <typename Visit>
void for_each_piece(const Regex& pattern, std::string_view text, Visit visit) {
  size_t done = 0;
  size_t from = 0;
  bool any = false;
  while (from <= text.size()) {
    const auto match = pattern.find(text, from);
    if (!match) break;
    if (any && match->begin == match->end && match->end == done) {
      // An empty match where the last one ended.
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
