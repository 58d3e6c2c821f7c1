#pragma once

#include <cstddef>
#include <string_view>

// What a tokenizer's file may ask for: far more than real ones do (the longest token of GPT-NeoX
// has 1024 bytes). Without an end, a small file could fill any memory or take any time.

namespace spikesink::detail {

inline constexpr size_t kLongestToken = 1 << 14;  // bytes

/// Throws FormatError for a token, or a prefix or suffix of tokens, that is longer than any
/// language's.
void check_token_length(std::string_view what, size_t bytes, std::string_view where);
/// Throws FormatError for more steps of a normalizer, pre-tokenizer or decoder than any needs.
void check_steps(std::string_view what, size_t steps, std::string_view where);
/// Throws FormatError for a pattern that is longer than any needs.
void check_pattern_length(size_t bytes, std::string_view where);
/// Throws FormatError where steps that each make a text longer make `after` bytes of `before`, more
/// than any language needs.
void check_growth(std::string_view what, size_t before, size_t after);

}  // namespace spikesink::detail
