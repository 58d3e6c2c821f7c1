#pragma once

#include <string>
#include <string_view>

namespace [[gnu::visibility("default")]] spikesink {

/// Makes text from a file safe to print. Control characters, bidirectional control characters and
/// invalid UTF-8 bytes are escaped (`\x1b`, `\u202e`); text longer than about 1500 bytes is
/// shortened in the middle. The library's own messages are escaped already.
std::string printable(std::string_view text);

}  // namespace spikesink
