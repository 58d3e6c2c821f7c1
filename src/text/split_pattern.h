#pragma once

#include <string>
#include <string_view>

namespace spikesink::detail {

/// Says a `tokenizer.json` pattern, which is Oniguruma's (Ruby syntax, Unicode 16), in PCRE2's
/// words. What the two read differently and is not translated is a FormatError.
std::string to_pcre2(std::string_view pattern, std::string_view where);

/// A pattern that matches `text` itself.
std::string quoted_pattern(std::string_view text);

}  // namespace spikesink::detail
