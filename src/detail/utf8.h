#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace spikesink::detail {

/// The encoding of a code point or, if `valid` is false, one maximal ill-formed byte sequence.
struct Utf8Sequence {
  size_t bytes;
  char32_t code_point;
  bool valid;
};

/// Reads the sequence that begins at `offset`; offset < text.size().
Utf8Sequence utf8_sequence(std::string_view text, size_t offset);

bool is_valid_utf8(std::string_view text);

/// Replaces each maximal ill-formed byte sequence by U+FFFD (Unicode 3.9, "substitution of maximal
/// subparts", as Rust's `from_utf8_lossy`).
std::string repair_utf8(std::string_view text);

/// `text` must be valid UTF-8.
int64_t count_code_points(std::string_view text);

void append_utf8(char32_t code_point, std::string& text);

/// Returns the offset of the code point that ends at `end`; `text` must be valid UTF-8.
size_t previous_code_point(std::string_view text, size_t end);

/// True for the Unicode property White_Space.
bool is_white_space(char32_t code_point);

/// Return the begin of the white space that ends at `end`, and the end of the white space that
/// starts at `begin`.
size_t skip_space_left(std::string_view text, size_t end);
size_t skip_space_right(std::string_view text, size_t begin);

}  // namespace spikesink::detail
