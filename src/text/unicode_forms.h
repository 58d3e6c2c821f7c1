#pragma once

#include <string>
#include <string_view>

namespace spikesink::detail {

/// The Unicode normalisation forms NFC, NFD, NFKC and NFKD.
enum class UnicodeForm { kC, kD, kKC, kKD };

/// Normalises valid UTF-8 as `tokenizers` does: characters newer than its tables (Unicode 9) are
/// not composed, decomposed or reordered.
std::string to_form(UnicodeForm form, std::string_view text);

}  // namespace spikesink::detail
