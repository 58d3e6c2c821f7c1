#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// What a layer without attention keeps of the tokens so far, whatever their number.
struct RecurrentState {
  torch::Tensor matrix;  // [B, H, d_key, d_value] float32 or float64, or undefined: zero
  torch::Tensor inputs;  // [B, kernel - 1, channels], of the convolution, or undefined: zero
};

/// Keys and values of the tokens that a model has processed. Keys are stored before RoPE. RoPE uses
/// the index in the cache, from 0, so positions stay consecutive when tokens are removed
/// (StreamingLLM, arXiv 2309.17453). The first forward pass sets the number of layers. Layers
/// without attention have a RecurrentState, from which no token can be removed.
class KvCache {
 public:
  /// Number of tokens in the cache.
  int64_t length() const;
  /// Number of all appended tokens, including those removed later. It is the position of the next
  /// token in the text.
  int64_t appended_tokens() const { return appended_tokens_; }
  /// Size of the keys and values, and of the recurrent states, in bytes.
  int64_t bytes() const;

  /// Keeps the tokens at these indices and removes the keys and values of all others. Throws
  /// std::invalid_argument unless the indices ascend and are below `length()`.
  void keep_only(const std::vector<int64_t>& indices);
  /// Removes all tokens and resets `appended_tokens`.
  void clear() { *this = {}; }

  /// For models: appends a layer's new keys [B, T, K, d_head] and values [B, T, K, d_value], and
  /// replaces both arguments by all cached ones, [B, S, K, ...].
  void append(int64_t layer, torch::Tensor& keys, torch::Tensor& values);
  /// For models: the state of a layer without attention, which its forward pass replaces.
  RecurrentState& recurrent_state(int64_t layer);
  /// For models: adds to `appended_tokens`, after all layers have appended.
  void add_appended(int64_t tokens) { appended_tokens_ += tokens; }

 private:
  struct Layer {
    torch::Tensor keys, values;  // undefined in a layer without attention
    RecurrentState recurrent;
  };
  Layer& layer(int64_t number);

  std::vector<Layer> layers_;
  int64_t appended_tokens_ = 0;
};

}  // namespace spikesink
