#pragma once

#include <string>
#include <string_view>

namespace spikesink::detail {

/// Unicode's normalisation form C of valid UTF-8, as `tokenizers` has it: characters younger than
/// its tables (Unicode 9) neither compose nor change places.
std::string to_nfc(std::string_view text);

}  // namespace spikesink::detail
