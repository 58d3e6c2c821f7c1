#pragma once

#include <torch/types.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// Keys and values of the tokens that went through a model, so that the next ones need not pass
/// them again. Keys are kept as they are before RoPE turns them, and are turned by their index in
/// the cache, from 0: after some were taken out the rest close up (StreamingLLM, arXiv 2309.17453).
/// A model's first pass with it says how many layers it has.
class KvCache {
 public:
  /// Tokens that are kept.
  int64_t length() const;
  /// Tokens that were ever put in: the position of the next one in its text.
  int64_t total_tokens() const { return total_tokens_; }
  /// Bytes of the keys and values.
  int64_t bytes() const;

  /// Keeps the tokens at these indices in the cache, which must ascend, and drops the others.
  /// Throws std::invalid_argument for a index that it does not have.
  void keep_only(const std::vector<int64_t>& indices);
  /// Drops all tokens.
  void clear() { *this = {}; }

  /// For models: puts a layer's new keys and values [B, T, K, d_head] behind the kept ones, and
  /// gives back all of them, [B, S, K, d_head].
  void append(int64_t layer, torch::Tensor& keys, torch::Tensor& values);
  /// Once all layers have them.
  void add_to_total(int64_t tokens) { total_tokens_ += tokens; }

 private:
  std::vector<std::pair<torch::Tensor, torch::Tensor>> layers_;
  int64_t total_tokens_ = 0;
};

}  // namespace spikesink
