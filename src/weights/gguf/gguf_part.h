#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "weights/gguf/dequantize.h"
#include "weights/gguf/gguf_metadata.h"

namespace spikesink::detail {

/// Where the data of a tensor is.
struct GgufLocation {
  std::shared_ptr<const MappedFile> file;
  const GgmlType* type;
  uint64_t begin;  // offset in the file
  uint64_t bytes;
};

/// One GGUF file: a whole model, or a part of a split one.
struct GgufPart {
  std::shared_ptr<const MappedFile> file;
  GgufMetadata metadata;
  std::vector<TensorInfo> tensors;      // in file order
  std::vector<GgufLocation> locations;  // of the tensors
};

/// Maps a file and reads all but its data. Throws FileError for a damaged file.
GgufPart read_gguf_part(const std::filesystem::path& path);

}  // namespace spikesink::detail
