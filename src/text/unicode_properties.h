#pragma once

#include <string>

namespace spikesink::detail {

// Properties as `tokenizers` has them, whose parts know Unicode of different years.

/// All code points of its own; only U+0130 has a lower case of two.
void append_lower_case(char32_t code_point, std::string& text);

/// Marks of any kind (Unicode 9).
bool is_mark(char32_t code_point);
bool is_nonspacing_mark(char32_t code_point);
/// What BERT's cleaning removes: NUL, U+FFFD, control and format characters, private use.
bool is_removed_by_cleaning(char32_t code_point);

// To stand in a character class of PCRE2:

/// Punctuation of Unicode and of ASCII.
std::string punctuation_members();
/// Marks that an older PCRE2 does not know.
std::string late_mark_members();

}  // namespace spikesink::detail
