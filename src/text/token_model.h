#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace spikesink::detail {

/// Encodes one word of the pre-tokenizer as tokens.
class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Appends the ids of `word`, which is not empty. Thread-safe.
  virtual void encode(std::string_view word, std::vector<int64_t>& ids) const = 0;
};

}  // namespace spikesink::detail
