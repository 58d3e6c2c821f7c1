#include "weights/gguf/gguf_part.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace spikesink::detail {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kMaxAlignment = 1 << 20;
constexpr uint32_t kMaxDimensions = 4;

void check_version(const GgufCursor& cursor, uint32_t version) {
  if (version == 2 || version == 3) return;
  if ((version & 0xffff) == 0 && version != 0)
    cursor.fail("a big-endian file is not read; convert it with gguf-convert-endian");
  if (version == 1)
    cursor.fail(
        "GGUF v1 is not read, expected v2 or v3; convert the model again with a current llama.cpp");
  cursor.fail("unknown version: got {}, expected 2 or 3", version);
}

struct Counts {
  uint64_t tensors;
  uint64_t values;
};

Counts read_header(GgufCursor& cursor) {
  const auto magic = cursor.number<uint32_t>();
  if (magic != kMagic) {
    cursor.fail(
        "not a GGUF file: got the magic {:#010x}, expected {:#010x}; likely a Git LFS pointer or "
        "another format",
        magic, kMagic);
  }
  check_version(cursor, cursor.number<uint32_t>());
  constexpr uint64_t kLeastTensorBytes =
      8 + 4 + 8 + 4 + 8;  // name, number of dimensions, one dimension, type, offset
  constexpr uint64_t kLeastValueBytes = 8 + 4 + 1;  // key, type, value
  const uint64_t tensors = cursor.count(kLeastTensorBytes);
  const uint64_t values = cursor.count(kLeastValueBytes);
  return {tensors, values};
}

std::vector<int64_t> read_shape(GgufCursor& cursor) {
  const auto dimensions = cursor.number<uint32_t>();
  if (dimensions < 1 || dimensions > kMaxDimensions) {
    cursor.fail("number of dimensions: got {}, expected 1 to {}", dimensions, kMaxDimensions);
  }
  std::vector<int64_t> shape(dimensions);
  for (int64_t& size : shape) size = cursor.integer<uint64_t>();
  std::reverse(shape.begin(), shape.end());
  return shape;
}

const GgmlType& read_type(GgufCursor& cursor) {
  const auto id = cursor.number<uint32_t>();
  const GgmlType* type = find_ggml_type(id);
  if (type == nullptr) {
    cursor.fail("the tensor's type is not supported: got {}, expected one of {}",
                ggml_type_name(id), supported_ggml_types());
  }
  return *type;
}

uint64_t byte_count(const GgufCursor& cursor, const std::vector<int64_t>& shape,
                    const GgmlType& type) {
  const auto count = element_count(shape);
  int64_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count / type.block_size, type.block_bytes, &bytes)) {
    cursor.fail("the shape [{}] has more elements than can be counted", fmt::join(shape, ", "));
  }
  if (shape.back() % type.block_size != 0) {
    cursor.fail(
        "the rows do not consist of whole blocks: got {} elements, expected a multiple of {} for "
        "{}",
        shape.back(), type.block_size, type.name);
  }
  return static_cast<uint64_t>(bytes);
}

uint64_t alignment_of(const GgufMetadata& metadata, const GgufCursor& cursor) {
  constexpr uint64_t kDefault = 32;
  const auto found = metadata.find("general.alignment");
  if (found == metadata.end()) return kDefault;
  const auto* value = std::get_if<int64_t>(&found->second);
  const uint64_t alignment = value == nullptr || *value < 0 ? 0 : static_cast<uint64_t>(*value);
  if (!std::has_single_bit(alignment) || alignment > kMaxAlignment) {
    cursor.fail("general.alignment is not understood, expected a power of two of at most {}",
                kMaxAlignment);
  }
  return alignment;
}

void read_tensor(GgufCursor& cursor, uint64_t alignment, GgufPart& part) {
  TensorInfo info{.name = cursor.name()};
  cursor.enter(fmt::format("tensor '{}'", info.name));
  info.shape = read_shape(cursor);
  const GgmlType& type = read_type(cursor);
  info.dtype = type.name;
  const uint64_t bytes = byte_count(cursor, info.shape, type);
  const auto offset = cursor.number<uint64_t>();
  if (offset % alignment != 0)
    cursor.fail("the offset is not aligned: got {}, expected a multiple of {}", offset, alignment);
  part.tensors.push_back(std::move(info));
  part.locations.push_back({part.file, &type, offset, bytes});
}

/// Makes offsets within the data section offsets within the file. Throws FileError for tensors past
/// the end of the file and for overlapping tensors.
void locate_data(GgufPart& part, uint64_t data_begin) {
  std::vector<GgufLocation>& locations = part.locations;
  const uint64_t file_size = part.file->size();
  const uint64_t available = file_size - std::min(data_begin, file_size);
  std::vector<size_t> order;  // tensors with elements, sorted by offset
  for (size_t i = 0; i < locations.size(); ++i) {
    GgufLocation& location = locations[i];
    if (location.begin > available || location.bytes > available - location.begin) {
      fail_format(
          "[GgufFile] the data passes the end of the file: got {} bytes at {}, expected at most {} "
          "in all ({}, tensor '{}'); likely an interrupted download",
          location.bytes, location.begin, available, part.file->path().string(),
          part.tensors[i].name);
    }
    location.begin += data_begin;
    if (location.bytes > 0) order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return locations[a].begin < locations[b].begin; });
  for (size_t i = 1; i < order.size(); ++i) {
    const GgufLocation& before = locations[order[i - 1]];
    if (locations[order[i]].begin < before.begin + before.bytes) {
      fail_format("[GgufFile] the data of two tensors overlaps: '{}' and '{}' ({})",
                  part.tensors[order[i - 1]].name, part.tensors[order[i]].name,
                  part.file->path().string());
    }
  }
}

}  // namespace

GgufPart read_gguf_part(const std::filesystem::path& path) {
  GgufPart part{.file = MappedFile::open(path, "GgufFile")};
  GgufCursor cursor(*part.file);
  const Counts counts = read_header(cursor);
  part.metadata = read_gguf_metadata(cursor, counts.values);
  cursor.enter("metadata");
  const uint64_t alignment = alignment_of(part.metadata, cursor);
  for (uint64_t i = 0; i < counts.tensors; ++i) {
    cursor.enter(fmt::format("tensor {} of {}", i + 1, counts.tensors));
    read_tensor(cursor, alignment, part);
  }
  locate_data(part, (cursor.position() + alignment - 1) / alignment * alignment);
  return part;
}

}  // namespace spikesink::detail
