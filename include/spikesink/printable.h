#pragma once

#include <string>
#include <string_view>

namespace [[gnu::visibility("default")]] spikesink {

/// Text from a file, as it may stand in a sentence and on a terminal: control characters, those
/// that turn the direction of writing, and bytes that are not UTF-8 become `\x1b` or `\u202e`, and
/// of more than some 1500 bytes the middle is left out. Messages of this library are so already.
std::string printable(std::string_view text);

}  // namespace spikesink
