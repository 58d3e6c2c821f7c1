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

enum class WeightFormat { kSafetensors, kGguf };

/// One tensor as its file describes it.
struct TensorInfo {
  std::string name;
  std::vector<int64_t>
      shape;  // outermost dimension first, as torch has it (GGUF's order is reversed on reading)
  std::string dtype;  // the file's own word: "F32", "BF16", "Q4_K", ...
};

/// Tensors by name, read from memory-mapped files on demand.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  virtual WeightFormat format() const = 0;
  virtual const std::filesystem::path& path() const = 0;

  /// All tensors, in the order of the file.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  bool contains(std::string_view name) const;
  /// Throws std::invalid_argument with the nearest names when there is no such tensor.
  const TensorInfo& info(std::string_view name) const { return tensors_[index_of(name)]; }

  /// The tensor on the CPU, in its own dtype; a quantised one is dequantised to float32. The memory
  /// of a plain tensor is the mapped file itself (copy-on-write), kept alive by the tensor.
  torch::Tensor tensor(std::string_view name) const { return read(index_of(name)); }
  /// The bytes of a tensor in the mapped file.
  std::span<uint8_t> bytes(std::string_view name) const { return bytes_of(index_of(name)); }

 protected:
  /// Registers a tensor and returns its index; a name met twice is a FormatError.
  size_t add(TensorInfo info);
  virtual torch::Tensor read(size_t index) const = 0;
  virtual std::span<uint8_t> bytes_of(size_t index) const = 0;

 private:
  size_t index_of(std::string_view name) const;

  std::vector<TensorInfo> tensors_;
  std::unordered_map<std::string, size_t> index_;
};

/// Opens a `.gguf`, `.safetensors` or `.safetensors.index.json` file, or a folder:
/// `model.safetensors`, else the shards of `model.safetensors.index.json`, else the one `.gguf` in
/// it. Pickle files (`.bin`, `.pt`, `.pth`, `.ckpt`) are refused: reading one runs code.
std::unique_ptr<WeightSource> open_weights(const std::filesystem::path& path);

}  // namespace spikesink
