#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "spikesink/train/token_shard.h"
#include "spikesink/train/token_source.h"

namespace [[gnu::visibility("default")]] spikesink {

struct TokenWindowsOptions {
  int64_t d_vocabulary = 0;            // ids are smaller than this
  std::optional<int64_t> first_token;  // stands before each window's own tokens and counts to it
  bool shuffled = true;                // each time round in another order
  uint64_t seed = 0;                   // of the orders
};

/// Consecutive windows of token shards, none across two of them, the rest of a shard dropped. Every
/// window comes once before any comes again. Documents that follow one another within a window see
/// one another.
class TokenWindows : public TokenSource {
 public:
  TokenWindows(std::vector<TokenShard> shards, const TokenWindowsOptions& options);

  /// Throws std::invalid_argument where no shard fills one window, and FormatError, naming the
  /// shard, for an id outside the vocabulary.
  torch::Tensor sequences(int64_t first, int64_t count, int64_t length) const override;
  int64_t d_vocabulary() const override { return options_.d_vocabulary; }
  /// How many there are.
  int64_t windows(int64_t length) const;

 private:
  int64_t own_tokens(int64_t length) const;
  torch::Tensor window(int64_t number, int64_t tokens) const;

  std::vector<TokenShard> shards_;
  TokenWindowsOptions options_;
};

}  // namespace spikesink
