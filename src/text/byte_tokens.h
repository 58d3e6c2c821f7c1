#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace spikesink::detail {

/// The byte tokens "<0x00>" to "<0xFF>" of a vocabulary.
class ByteTokens {
 public:
  explicit ByteTokens(const Vocabulary& vocabulary);

  /// Appends the ids of all bytes of `text`. If a byte has no token, appends nothing and returns
  /// false.
  bool append(std::string_view text, std::vector<int64_t>& ids) const;

 private:
  std::array<std::optional<int64_t>, 256> ids_;
};

/// Returns the byte of a byte token; nothing for other tokens.
std::optional<char> byte_of_token(std::string_view token);

}  // namespace spikesink::detail
