#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spikesink::detail {

// Byte-level vocabularies represent each byte by one printable character (GPT-2's byte alphabet):
// the Latin-1 character if it is printable, otherwise the next of U+0100, U+0101, ...

/// Converts bytes to characters of the byte alphabet, in UTF-8.
std::string spelled(std::string_view bytes);

/// Converts a token back to bytes; nothing if it has a character outside the byte alphabet.
std::optional<std::string> spelled_bytes(std::string_view token);

}  // namespace spikesink::detail
