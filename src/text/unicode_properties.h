#pragma once

#include <string>

namespace spikesink::detail {

// Character properties as in `tokenizers`, whose components use different Unicode versions.

/// Appends the lower case of a code point; only that of U+0130 has two code points.
void append_lower_case(char32_t code_point, std::string& text);

/// True for marks of any category (Unicode 9).
bool is_mark(char32_t code_point);
bool is_nonspacing_mark(char32_t code_point);
/// True for characters that BERT's cleaning removes: NUL, U+FFFD, control and format characters,
/// private use.
bool is_removed_by_cleaning(char32_t code_point);

// Members of PCRE2 character classes:

/// Punctuation of Unicode and of ASCII.
std::string punctuation_members();
/// Marks that older PCRE2 versions do not have.
std::string late_mark_members();

}  // namespace spikesink::detail
