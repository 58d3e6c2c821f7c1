#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

#include "detail/scratch_file.h"

namespace spikesink::detail {

/// The hidden states of batches that wait for the next layer: in memory up to a number of bytes,
/// those beyond in a temporary file.
class WaitingStates {
 public:
  WaitingStates(size_t batches, int64_t room) : states_(batches), room_(room) {}

  /// A state is as large each time that its batch waits.
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
  int64_t room_;
  int64_t file_bytes_ = 0;
  std::optional<ScratchFile> file_;
};

}  // namespace spikesink::detail
