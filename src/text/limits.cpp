#include "text/limits.h"

#include "detail/fail.h"

namespace spikesink::detail {

void check_token_length(std::string_view what, size_t bytes, std::string_view where) {
  if (bytes > kLongestToken)
    fail_format("[load_tokenizer] {} is too long: got {} bytes, expected at most {} ({})", what,
                bytes, kLongestToken, where);
}

void check_steps(std::string_view what, size_t steps, std::string_view where) {
  constexpr size_t kMost = 64;
  if (steps > kMost)
    fail_format("[load_tokenizer] the {} has too many steps: got {}, expected at most {} ({})",
                what, steps, kMost, where);
}

void check_pattern_length(size_t bytes, std::string_view where) {
  constexpr size_t kMost = 1 << 16;
  if (bytes > kMost)
    fail_format("[load_tokenizer] a pattern is too long: got {} bytes, expected at most {} ({})",
                bytes, kMost, where);
}

void check_growth(std::string_view what, size_t before, size_t after) {
  constexpr size_t kMaxFactor = 64, kAlwaysAllowed = 1 << 20;
  if (after / kMaxFactor > before + kAlwaysAllowed / kMaxFactor)
    fail_format(
        "[Tokenizer] the {} makes a text too long: got {} bytes, expected at most {} for one of {}",
        what, after, kMaxFactor * before + kAlwaysAllowed, before);
}

}  // namespace spikesink::detail
