#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace spikesink::detail {

/// Cuts one word, as the pre-tokenizer leaves it, into tokens.
class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Appends the ids of `word`, which is not empty. May be called from several threads.
  virtual void encode(std::string_view word, std::vector<int64_t>& ids) const = 0;
};

}  // namespace spikesink::detail
