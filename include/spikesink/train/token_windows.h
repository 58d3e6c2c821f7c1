#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "spikesink/train/token_shard.h"
#include "spikesink/train/token_source.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Options of TokenWindows.
struct TokenWindowsOptions {
  int64_t d_vocabulary = 0;  // ids must be smaller than this
  /// A token that is put at the start of every window; it is part of the window length.
  std::optional<int64_t> first_token;
  bool shuffled = true;  // each epoch in another order
  uint64_t seed = 0;     // seed of the orders
};

/// Consecutive windows of token shards. No window spans two shards; the rest of a shard is dropped.
/// Each epoch visits every window once. Attention crosses document boundaries within a window.
class TokenWindows : public TokenSource {
 public:
  TokenWindows(std::vector<TokenShard> shards, const TokenWindowsOptions& options);

  /// Throws std::invalid_argument if no shard fills a window, and FileError, which names the
  /// shard, for an id outside the vocabulary.
  torch::Tensor sequences(int64_t first, int64_t count, int64_t length) const override;
  int64_t d_vocabulary() const override { return options_.d_vocabulary; }
  /// Returns the number of windows of this length.
  int64_t windows(int64_t length) const;

 private:
  int64_t own_tokens(int64_t length) const;
  torch::Tensor window(int64_t number, int64_t tokens) const;

  std::vector<TokenShard> shards_;
  TokenWindowsOptions options_;
};

}  // namespace spikesink
