#pragma once

#include "measure/weights/layer_forms.h"

namespace spikesink::detail {

/// The size of the residual stream that the weights suggest, for inputs x of the blocks without a
/// preferred direction: the second moment of each channel is that of the embedding plus
/// E[(x^T U_k x)^2] = ||U_k||_F^2 of each feed-forward block, or the square of the scale of a norm
/// that follows the block. Attention is ignored: it averages over tokens and adds less.
class StreamSize {
 public:
  explicit StreamSize(const TransformerImpl& model);

  /// Adds the feed-forward block of a layer with these norms ||U_k||_F [d_model].
  void add_block(int64_t layer, const torch::Tensor& norms);
  /// Returns the median |h| over channels, for normally distributed values.
  double median() const;

 private:
  const TransformerImpl& model_;
  torch::Tensor moments_;  // [d_model] float64, second moment of each channel
};

}  // namespace spikesink::detail
