#pragma once

#include <string>
#include <string_view>

namespace spikesink::detail {

/// Translates a pattern of `tokenizer.json` (Oniguruma, Ruby syntax, Unicode 16) to PCRE2. Throws
/// FileError for syntax that the two read differently and that is not translated.
std::string to_pcre2(std::string_view pattern, std::string_view where);

/// Returns the word characters of Rust's regex crate, for a PCRE2 character class.
std::string word_members();

/// Returns a pattern that matches `text` literally.
std::string quoted_pattern(std::string_view text);

}  // namespace spikesink::detail
