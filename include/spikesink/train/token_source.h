#pragma once

#include <torch/types.h>

#include <cstdint>

namespace [[gnu::visibility("default")]] spikesink {

/// Where sequences to train on come from. A sequence is a function of its number alone: a run goes
/// on wherever it stopped, and processes share the numbers among themselves.
class TokenSource {
 public:
  virtual ~TokenSource() = default;

  /// Sequences first, first + 1, ..., [count, length] int64 on the CPU.
  virtual torch::Tensor sequences(int64_t first, int64_t count, int64_t length) const = 0;
  /// Ids are smaller than this.
  virtual int64_t d_vocabulary() const = 0;
};

}  // namespace spikesink
