#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "spikesink/weights/weight_source.h"

namespace spikesink::detail {

/// A tensor that is computed from tensors of a file when it is read.
struct DerivedTensor {
  TensorInfo info;
  std::vector<std::string> inputs;  // names in the source
  /// Receives the inputs in their order. Returns a tensor of `info.shape`.
  std::function<torch::Tensor(const std::vector<torch::Tensor>&)> compute;
};

/// Returns a source with the derived tensors, and with those of `source` that are neither an input
/// of a derived one nor `hidden`. Throws FileError if two of them have the same name.
std::unique_ptr<WeightSource> with_derived(std::unique_ptr<WeightSource> source,
                                           std::vector<DerivedTensor> derived,
                                           const std::vector<std::string>& hidden = {});

/// Returns the tensor itself, under another name.
DerivedTensor renamed(const TensorInfo& info, std::string name);

}  // namespace spikesink::detail
