#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

#include "detail/scratch_file.h"

namespace spikesink::detail {

/// Hidden states of batches that wait for the next layer: up to `memory_bytes` in memory, the rest
/// in a temporary file.
class WaitingStates {
 public:
  WaitingStates(size_t batches, int64_t memory_bytes)
      : states_(batches), memory_left_(memory_bytes) {}

  /// The state of a batch must have the same size every time.
  void put(size_t batch, torch::Tensor state);
  torch::Tensor take(size_t batch);

 private:
  struct Waiting {
    torch::Tensor state;  // in memory, or undefined
    std::vector<int64_t> shape;
    torch::TensorOptions options;
    int64_t offset = -1;  // in the file
  };

  std::vector<Waiting> states_;
  int64_t memory_left_;
  int64_t file_bytes_ = 0;
  std::optional<ScratchFile> file_;
};

}  // namespace spikesink::detail
