#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spikesink::detail {

// Byte-level vocabularies spell each byte as one printable character: itself where it is one in
// Latin-1, else the next of U+0100, U+0101, ...

/// The spelling of all bytes, in UTF-8.
std::string spelled(std::string_view bytes);

/// The bytes that a token spells; nothing where a character of it is not of the alphabet.
std::optional<std::string> spelled_bytes(std::string_view token);

}  // namespace spikesink::detail
