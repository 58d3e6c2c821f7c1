#pragma once

#include <torch/types.h>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace spikesink::detail {

static_assert(std::endian::native == std::endian::little,
              "weight files are little-endian and are used without conversion");

/// A memory-mapped file, copy-on-write: edits do not change the file.
class MappedFile {
 public:
  /// Throws FileError, with a message that starts with `caller`, for a file that is missing, not
  /// regular, empty or unreadable.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path,
                                                std::string_view caller);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  uint8_t* data() const { return data_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  MappedFile(std::filesystem::path path, uint8_t* data, uint64_t size);

  std::filesystem::path path_;
  uint8_t* data_;
  uint64_t size_;
};

/// Reads bytes of mapped files from the disk, each range in one operation.
void fetch(const std::vector<std::span<uint8_t>>& ranges);
/// Frees the memory of all whole pages in the ranges. The next access reads them from the disk
/// again; edits are lost.
void release(const std::vector<std::span<uint8_t>>& ranges);

/// Returns the product of the dimensions; nothing if a dimension is negative or if the product or a
/// stride overflows int64.
std::optional<int64_t> element_count(torch::IntArrayRef shape);

/// Returns the tensor whose elements begin at `offset`; the caller has checked that it is inside
/// the file. The tensor is a view that keeps the mapping alive, or a copy if the offset is not
/// aligned to the element size.
torch::Tensor mapped_tensor(std::shared_ptr<const MappedFile> file, uint64_t offset,
                            torch::IntArrayRef shape, torch::ScalarType dtype);

}  // namespace spikesink::detail
