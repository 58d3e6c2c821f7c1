#pragma once

#include <string>
#include <string_view>

namespace spikesink::detail {

/// Says a `tokenizer.json` pattern, which is Oniguruma's (Ruby syntax, Unicode 16), in PCRE2's
/// words. What the two read differently and is not translated is a FormatError.
std::string to_pcre2(std::string_view pattern, std::string_view where);

/// What Rust's regexes take for parts of words, to stand in a character class of PCRE2.
std::string word_members();

/// A pattern that matches `text` itself.
std::string quoted_pattern(std::string_view text);

}  // namespace spikesink::detail
