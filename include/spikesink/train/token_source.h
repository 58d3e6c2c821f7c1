#pragma once

#include <torch/types.h>

#include <cstdint>

namespace [[gnu::visibility("default")]] spikesink {

/// A source of training sequences. A sequence depends only on its index, so a run can resume at any
/// step and processes can split the indices.
class TokenSource {
 public:
  virtual ~TokenSource() = default;

  /// Returns the sequences first, first + 1, ..., [count, length] int64 on the CPU.
  virtual torch::Tensor sequences(int64_t first, int64_t count, int64_t length) const = 0;
  /// Returns a bound: all ids are smaller than this.
  virtual int64_t d_vocabulary() const = 0;
};

}  // namespace spikesink
