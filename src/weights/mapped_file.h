#pragma once

#include <torch/types.h>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace spikesink::detail {

static_assert(std::endian::native == std::endian::little,
              "weight files are little-endian and are used as they lie in memory");

/// A whole file in memory, copy-on-write: edits stay in this process.
class MappedFile {
 public:
  /// `caller` opens the error message. Missing, not a regular file, empty or unreadable:
  /// FormatError.
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

/// Has bytes of mapped files read from the disk, in one go.
void fetch(std::span<uint8_t> bytes);
/// Frees the memory of their whole pages: what reads them again finds them on the disk. Edits of
/// them are lost.
void release(std::span<uint8_t> bytes);

/// The product of the dimensions; nothing when one is negative, or when it or a stride passes
/// int64.
std::optional<int64_t> element_count(torch::IntArrayRef shape);

/// The tensor whose elements begin at `offset`, which the caller has checked to lie in the file: a
/// view that keeps the mapping alive, or a copy where the offset does not suit the element's size.
torch::Tensor mapped_tensor(std::shared_ptr<const MappedFile> file, uint64_t offset,
                            torch::IntArrayRef shape, torch::ScalarType dtype);

}  // namespace spikesink::detail
