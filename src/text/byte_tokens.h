#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace spikesink::detail {

/// The tokens "<0x00>" to "<0xFF>" of a vocabulary, that stand for bytes.
class ByteTokens {
 public:
  explicit ByteTokens(const Vocabulary& vocabulary);

  /// Appends the ids of all bytes of `text`, or nothing and false where one of them has none.
  bool append(std::string_view text, std::vector<int64_t>& ids) const;

 private:
  std::array<std::optional<int64_t>, 256> ids_;
};

/// The byte that such a token stands for.
std::optional<char> byte_of_token(std::string_view token);

}  // namespace spikesink::detail
