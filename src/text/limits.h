#pragma once

#include <cstddef>
#include <string_view>

// Limits for tokenizer files, far above the needs of real ones (the longest token of GPT-NeoX has
// 1024 bytes). Without limits, a small file could use any amount of memory or time.

namespace spikesink::detail {

inline constexpr size_t kLongestToken = 1 << 14;  // bytes

/// Throws FileError for a token, or a prefix or suffix of tokens, that is too long.
void check_token_length(std::string_view what, size_t bytes, std::string_view where);
/// Throws FileError for too many steps of a normalizer, pre-tokenizer or decoder.
void check_steps(std::string_view what, size_t steps, std::string_view where);
/// Throws FileError for a pattern that is too long.
void check_pattern_length(size_t bytes, std::string_view where);
/// Throws FileError if the steps `what` have grown a text from `before` to `after` bytes, more
/// than real tokenizers do.
void check_growth(std::string_view what, size_t before, size_t after);

}  // namespace spikesink::detail
