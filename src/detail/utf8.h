#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace spikesink::detail {

/// A code point's encoding or, where `valid` is false, one maximal ill-formed byte sequence.
struct Utf8Sequence {
  size_t bytes;
  char32_t code_point;
  bool valid;
};

/// What begins at `offset`, which lies in `text`.
Utf8Sequence utf8_sequence(std::string_view text, size_t offset);

bool is_valid_utf8(std::string_view text);

/// Each maximal ill-formed byte sequence becomes U+FFFD (Unicode 3.9, "substitution of maximal
/// subparts", as Rust's `from_utf8_lossy`).
std::string repair_utf8(std::string_view text);

/// Of valid UTF-8.
int64_t count_code_points(std::string_view text);

void append_utf8(char32_t code_point, std::string& text);

/// Where the code point that ends at `end` begins; `text` is valid UTF-8.
size_t previous_code_point(std::string_view text, size_t end);

/// Unicode's property White_Space.
bool is_white_space(char32_t code_point);

/// Where the white space that ends at `end` begins, and where that at `begin` ends.
size_t skip_space_left(std::string_view text, size_t end);
size_t skip_space_right(std::string_view text, size_t begin);

}  // namespace spikesink::detail
