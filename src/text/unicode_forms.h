#pragma once

#include <string>
#include <string_view>

namespace spikesink::detail {

/// The normalisation forms C, D, KC and KD.
enum class UnicodeForm { kC, kD, kKC, kKD };

/// A form of valid UTF-8, as `tokenizers` has it: characters younger than its tables (Unicode 9)
/// neither compose, decompose nor change places.
std::string to_form(UnicodeForm form, std::string_view text);

}  // namespace spikesink::detail
