#include "text/unicode_properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "detail/utf8.h"

namespace spikesink::detail {
namespace {

/// Every `step`-th character of a run has the lower case `character + distance`.
struct LowerCase {
  char32_t first;
  char32_t last;
  char32_t step;
  int distance;
};

struct CodePoints {
  char32_t first;
  char32_t last;
};

#include "text/unicode_late_marks.inc"
#include "text/unicode_properties_tables.inc"

/// Returns the range of a sorted table that contains the character.
template <typename Range, size_t kSize>
const Range* range_of(const Range (&table)[kSize], char32_t c) {
  const Range* found = std::ranges::lower_bound(table, c, {}, &Range::last);
  return found != std::end(table) && c >= found->first ? found : nullptr;
}

std::string members_of(std::span<const CodePoints> ranges) {
  std::string members;
  for (const auto& [first, last] : ranges)
    members += fmt::format("\\x{{{:x}}}-\\x{{{:x}}}", uint32_t{first}, uint32_t{last});
  return members;
}

}  // namespace

void append_lower_case(char32_t c, std::string& text) {
  if (c == 0x130) {
    text += "i\u0307";
    return;
  }
  const auto* run = range_of(kLowerCases, c);
  const bool changes = run != nullptr && (c - run->first) % run->step == 0;
  append_utf8(changes ? static_cast<char32_t>(static_cast<int>(c) + run->distance) : c, text);
}

bool is_mark(char32_t c) {
  return range_of(kMarks, c) != nullptr;
}

bool is_nonspacing_mark(char32_t c) {
  return range_of(kNonspacingMarks, c) != nullptr;
}

bool is_removed_by_cleaning(char32_t c) {
  return range_of(kOther, c) != nullptr;
}

std::string punctuation_members() {
  return members_of(kPunctuation);
}

std::string late_mark_members() {
  return members_of(kLateMarks);
}

}  // namespace spikesink::detail
