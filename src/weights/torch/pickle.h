#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace spikesink::detail {

/// A tensor as the pickle of a state dict describes it; nothing is checked against its storage, and
/// numbers may be negative. The texts are views of the pickle.
struct PickledTensor {
  std::string_view name;
  torch::ScalarType dtype;
  std::string_view storage;  // the archive has its bytes as data/STORAGE
  int64_t storage_elements;
  int64_t offset;  // in elements, as the strides
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

/// Reads the pickle of a state dict, in the order of the dict, and executes nothing of it. Time and
/// memory are at most proportional to the pickle's size. Throws FileError for everything but a dict
/// of tensors as torch.save writes it; `where` names the file.
std::vector<PickledTensor> read_state_dict(std::string_view pickle, std::string_view where);

}  // namespace spikesink::detail
