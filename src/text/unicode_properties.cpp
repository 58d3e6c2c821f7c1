#include "text/unicode_properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "text/utf8.h"

namespace spikesink::detail {
namespace {

/// Every `step`-th character of a run has a lower case that lies `distance` behind it.
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

#include "text/unicode_properties_tables.inc"

template <typename Range>
const Range* range_of(std::span<const Range> ranges, char32_t c) {
  const auto found = std::ranges::lower_bound(ranges, c, {}, &Range::last);
  return found != ranges.end() && c >= found->first ? &*found : nullptr;
}

bool is_in(std::span<const CodePoints> ranges, char32_t c) {
  return range_of(ranges, c) != nullptr;
}

}  // namespace

void append_lower_case(char32_t c, std::string& text) {
  if (c == 0x130) {
    text += "i\u0307";
    return;
  }
  const auto* run = range_of(std::span(kLowerCases), c);
  const bool changes = run != nullptr && (c - run->first) % run->step == 0;
  append_utf8(changes ? static_cast<char32_t>(static_cast<int>(c) + run->distance) : c, text);
}

bool is_mark(char32_t c) {
  return is_in(kMarks, c);
}

bool is_nonspacing_mark(char32_t c) {
  return is_in(kNonspacingMarks, c);
}

bool is_removed_by_cleaning(char32_t c) {
  return is_in(kOther, c);
}

std::string punctuation_members() {
  std::string members;
  for (const auto& [first, last] : kPunctuation)
    members += fmt::format("\\x{{{:x}}}-\\x{{{:x}}}", uint32_t{first}, uint32_t{last});
  return members;
}

}  // namespace spikesink::detail
