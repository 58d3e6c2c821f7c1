#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "spikesink/error.h"

namespace [[gnu::visibility("default")]] spikesink {

enum class WeightFormat { kSafetensors, kGguf, kTorch };

/// Name, shape and dtype of a tensor in a file.
struct TensorInfo {
  std::string name;
  // Outermost dimension first, as in PyTorch (the order of GGUF is reversed on reading).
  std::vector<int64_t> shape;
  std::string dtype;  // name in the file: "F32", "BF16", "Q4_K", ...
};

/// Loads tensors by name from memory-mapped files, on demand.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  virtual WeightFormat format() const = 0;
  virtual const std::filesystem::path& path() const = 0;

  /// All tensors, in file order.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  bool contains(std::string_view name) const;
  /// Throws std::invalid_argument with the most similar names if the tensor does not exist.
  const TensorInfo& info(std::string_view name) const { return tensors_[index_of(name)]; }

  /// Returns the tensor on the CPU in its own dtype; a quantised tensor is dequantised to float32.
  /// A tensor that is not quantised is a view of the mapped file (copy-on-write; a copy if the data
  /// is not aligned). The file stays mapped while the tensor exists.
  torch::Tensor tensor(std::string_view name) const { return read(index_of(name)); }
  /// Returns the ranges of the mapped files from which `tensor` reads.
  std::vector<std::span<uint8_t>> byte_ranges(std::string_view name) const {
    return byte_ranges_of(index_of(name));
  }

 protected:
  /// Registers a tensor and returns its index. Throws FileError for a duplicate name.
  size_t add(TensorInfo info);
  virtual torch::Tensor read(size_t index) const = 0;
  virtual std::vector<std::span<uint8_t>> byte_ranges_of(size_t index) const = 0;

 private:
  size_t index_of(std::string_view name) const;

  std::vector<TensorInfo> tensors_;
  std::unordered_map<std::string, size_t> index_;
};

/// Opens a `.gguf`, `.safetensors` or torch file (`.bin`, `.pt`, `.pth`, `.ckpt`), an index of
/// shards (`.safetensors.index.json`, `.bin.index.json`), or a folder. In a folder it opens the
/// first that exists: `model.safetensors`, the shards of `model.safetensors.index.json`,
/// `pytorch_model.bin`, the shards of `pytorch_model.bin.index.json`, the only `.gguf` file or
/// the parts of a split one. No pickle is executed (`open_torch_file`).
std::unique_ptr<WeightSource> open_weights(const std::filesystem::path& path);

}  // namespace spikesink
