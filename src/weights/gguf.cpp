#include "spikesink/weights/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "detail/fail.h"
#include "weights/dequantize.h"
#include "weights/mapped_file.h"

namespace spikesink {
namespace fs = std::filesystem;

using detail::GgmlType;
using detail::MappedFile;
using Metadata = std::map<std::string, GgufValue, std::less<>>;

struct GgufFile::Contents {
  struct TensorLocation {
    const GgmlType* type;
    // Offset within the data section; `locate_data` makes it an offset within the file.
    uint64_t begin;
    uint64_t bytes;
  };

  std::shared_ptr<const MappedFile> file;
  Metadata metadata;
  std::vector<TensorLocation> locations;

  /// Converts the locations to offsets in the file. Throws FileError for tensors past the end of
  /// the file and for overlapping tensors.
  void locate_data(uint64_t data_begin, const std::vector<TensorInfo>& tensors);
};

namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kMaxKeyBytes = 65535;
constexpr uint64_t kMaxAlignment = 1 << 20;
constexpr uint32_t kMaxDimensions = 4;

enum ValueType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64
};

/// Minimum size of a value in bytes; for a string, the size of its length field.
constexpr std::array<uint64_t, 13> kLeastBytes = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};

constexpr std::array<const char*, std::variant_size_v<GgufValue>> kValueKinds = {
    "a boolean",          "an integer",         "a real number",          "a string",
    "a list of booleans", "a list of integers", "a list of real numbers", "a list of strings"};

// In all lists together; real vocabularies have about a million
constexpr uint64_t kMostItems = 1 << 26;

/// Reads values in order and checks every size against the end of the file.
class Cursor {
 public:
  explicit Cursor(const MappedFile& file) : file_(file) {}

  /// Sets the section that is read next, for the error messages.
  void enter(std::string section) { section_ = std::move(section); }
  uint64_t position() const { return position_; }

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    detail::fail_format("[GgufFile] {} ({}, {})", fmt::format(text, std::forward<Args>(args)...),
                        file_.path().string(), section_);
  }

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }

  template <typename Stored>
  int64_t integer() {
    const auto value = number<Stored>();
    if (!std::in_range<int64_t>(value))
      fail("a number is too large: got {}, expected at most 2^63 - 1", value);
    return static_cast<int64_t>(value);
  }

  bool boolean() {
    const auto value = number<uint8_t>();
    if (value > 1) fail("a boolean is neither 0 nor 1: got {}", value);
    return value == 1;
  }

  std::string string(uint64_t max_bytes = UINT64_MAX) {
    const auto size = number<uint64_t>();
    if (size > max_bytes)
      fail("a name is too long: got {} bytes, expected at most {}", size, max_bytes);
    return {reinterpret_cast<const char*>(take(size)), size};
  }

  /// Reads the number of items that follow, each of `least_bytes` or more.
  uint64_t count(uint64_t least_bytes) {
    const auto count = number<uint64_t>();
    const uint64_t most = (file_.size() - position_) / least_bytes;
    if (count > most)
      fail("the count passes the end of the file: got {} items, expected at most {}", count, most);
    return count;
  }

  /// Like `count`, for a list; also limits the total over all lists.
  uint64_t list_count(uint64_t least_bytes) {
    const uint64_t more = count(least_bytes);
    if (more > kMostItems - items_)
      fail("the lists are too long: got {} items after {}, expected at most {} of all", more,
           items_, kMostItems);
    items_ += more;
    return more;
  }

 private:
  const uint8_t* take(uint64_t bytes) {
    const uint64_t left = file_.size() - position_;
    if (bytes > left)
      fail("the file ends too early: got {} bytes, expected {}; likely an interrupted download",
           left, bytes);
    const uint8_t* data = file_.data() + position_;
    position_ += bytes;
    return data;
  }

  const MappedFile& file_;
  uint64_t position_ = 0, items_ = 0;
  std::string section_ = "header";
};

/// Calls `use` with the function that reads one value of `type`.
template <typename Use>
GgufValue with_reader(const Cursor& cursor, uint32_t type, Use use) {
  switch (type) {
    case kUint8:
      return use([](Cursor& c) { return c.integer<uint8_t>(); });
    case kInt8:
      return use([](Cursor& c) { return c.integer<int8_t>(); });
    case kUint16:
      return use([](Cursor& c) { return c.integer<uint16_t>(); });
    case kInt16:
      return use([](Cursor& c) { return c.integer<int16_t>(); });
    case kUint32:
      return use([](Cursor& c) { return c.integer<uint32_t>(); });
    case kInt32:
      return use([](Cursor& c) { return c.integer<int32_t>(); });
    case kUint64:
      return use([](Cursor& c) { return c.integer<uint64_t>(); });
    case kInt64:
      return use([](Cursor& c) { return c.integer<int64_t>(); });
    case kFloat32:
      return use([](Cursor& c) { return static_cast<double>(c.number<float>()); });
    case kFloat64:
      return use([](Cursor& c) { return c.number<double>(); });
    case kBool:
      return use([](Cursor& c) { return c.boolean(); });
    case kString:
      return use([](Cursor& c) { return c.string(); });
    case kArray:
      cursor.fail("a list of lists is not understood, expected a list of plain values");
    default:
      cursor.fail("unknown kind of value: got {}, expected 0 to 12", type);
  }
}

GgufValue read_list(Cursor& cursor) {
  const auto type = cursor.number<uint32_t>();
  return with_reader(cursor, type, [&](auto read) -> GgufValue {
    const uint64_t count = cursor.list_count(kLeastBytes[type]);
    std::vector<decltype(read(cursor))> list;
    list.reserve(count);
    for (uint64_t i = 0; i < count; ++i) list.push_back(read(cursor));
    return list;
  });
}

GgufValue read_value(Cursor& cursor) {
  const auto type = cursor.number<uint32_t>();
  if (type == kArray) return read_list(cursor);
  return with_reader(cursor, type, [&](auto read) -> GgufValue { return read(cursor); });
}

void check_version(const Cursor& cursor, uint32_t version) {
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

Counts read_header(Cursor& cursor) {
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

Metadata read_metadata(Cursor& cursor, uint64_t count) {
  Metadata metadata;
  for (uint64_t i = 0; i < count; ++i) {
    cursor.enter(fmt::format("metadata {} of {}", i + 1, count));
    std::string key = cursor.string(kMaxKeyBytes);
    cursor.enter(fmt::format("key '{}'", key));
    if (metadata.contains(key)) cursor.fail("a key occurs twice");
    GgufValue value = read_value(cursor);
    metadata.emplace(std::move(key), std::move(value));
  }
  return metadata;
}

std::vector<int64_t> read_shape(Cursor& cursor) {
  const auto dimensions = cursor.number<uint32_t>();
  if (dimensions < 1 || dimensions > kMaxDimensions) {
    cursor.fail("number of dimensions: got {}, expected 1 to {}", dimensions, kMaxDimensions);
  }
  std::vector<int64_t> shape(dimensions);
  for (int64_t& size : shape) size = cursor.integer<uint64_t>();
  std::reverse(shape.begin(), shape.end());
  return shape;
}

const GgmlType& read_type(Cursor& cursor) {
  const auto id = cursor.number<uint32_t>();
  const GgmlType* type = detail::find_ggml_type(id);
  if (type == nullptr) {
    cursor.fail("the tensor's type is not supported: got {}, expected one of {}",
                detail::ggml_type_name(id), detail::supported_ggml_types());
  }
  return *type;
}

uint64_t byte_count(const Cursor& cursor, const std::vector<int64_t>& shape, const GgmlType& type) {
  const auto count = detail::element_count(shape);
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

uint64_t alignment_of(const Metadata& metadata, const Cursor& cursor) {
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

void refuse_split_model(const Metadata& metadata, const Cursor& cursor) {
  const auto found = metadata.find("split.count");
  if (found == metadata.end()) return;
  const auto* parts = std::get_if<int64_t>(&found->second);
  if (parts != nullptr && *parts > 1) {
    cursor.fail(
        "one of several parts: got split.count {}, expected the whole model; merge the parts with "
        "llama-gguf-split --merge",
        *parts);
  }
}

}  // namespace

void GgufFile::Contents::locate_data(uint64_t data_begin, const std::vector<TensorInfo>& tensors) {
  const uint64_t file_size = file->size();
  const uint64_t available = file_size - std::min(data_begin, file_size);
  std::vector<size_t> order;  // tensors with elements, sorted by offset
  for (size_t i = 0; i < locations.size(); ++i) {
    TensorLocation& location = locations[i];
    if (location.begin > available || location.bytes > available - location.begin) {
      detail::fail_format(
          "[GgufFile] the data passes the end of the file: got {} bytes at {}, expected at most {} "
          "in all ({}, tensor '{}'); likely an interrupted download",
          location.bytes, location.begin, available, file->path().string(), tensors[i].name);
    }
    location.begin += data_begin;
    if (location.bytes > 0) order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return locations[a].begin < locations[b].begin; });
  for (size_t i = 1; i < order.size(); ++i) {
    const TensorLocation& before = locations[order[i - 1]];
    if (locations[order[i]].begin < before.begin + before.bytes) {
      detail::fail_format("[GgufFile] the data of two tensors overlaps: '{}' and '{}' ({})",
                          tensors[order[i - 1]].name, tensors[order[i]].name,
                          file->path().string());
    }
  }
}

GgufFile::GgufFile(const fs::path& path) : contents_(std::make_unique<Contents>()) {
  contents_->file = MappedFile::open(path, "GgufFile");
  Cursor cursor(*contents_->file);
  const Counts counts = read_header(cursor);
  contents_->metadata = read_metadata(cursor, counts.values);
  cursor.enter("metadata");
  refuse_split_model(contents_->metadata, cursor);
  const uint64_t alignment = alignment_of(contents_->metadata, cursor);
  for (uint64_t i = 0; i < counts.tensors; ++i) {
    cursor.enter(fmt::format("tensor {} of {}", i + 1, counts.tensors));
    TensorInfo info{.name = cursor.string(kMaxKeyBytes)};
    cursor.enter(fmt::format("tensor '{}'", info.name));
    info.shape = read_shape(cursor);
    const GgmlType& type = read_type(cursor);
    info.dtype = type.name;
    const uint64_t bytes = byte_count(cursor, info.shape, type);
    const auto offset = cursor.number<uint64_t>();
    if (offset % alignment != 0)
      cursor.fail("the offset is not aligned: got {}, expected a multiple of {}", offset,
                  alignment);
    contents_->locations.push_back({&type, offset, bytes});
    add(std::move(info));
  }
  contents_->locate_data((cursor.position() + alignment - 1) / alignment * alignment, tensors());
}

GgufFile::~GgufFile() = default;

const fs::path& GgufFile::path() const {
  return contents_->file->path();
}

const Metadata& GgufFile::metadata() const {
  return contents_->metadata;
}

torch::Tensor GgufFile::read(size_t index) const {
  const Contents::TensorLocation& location = contents_->locations[index];
  const std::vector<int64_t>& shape = tensors()[index].shape;
  if (location.type->dequantizer == nullptr)
    return detail::mapped_tensor(contents_->file, location.begin, shape, location.type->dtype);
  return detail::dequantize(*location.type, contents_->file->data() + location.begin, shape);
}

std::vector<std::span<uint8_t>> GgufFile::byte_ranges_of(size_t index) const {
  const Contents::TensorLocation& location = contents_->locations[index];
  return {{contents_->file->data() + location.begin, location.bytes}};
}

template <typename T>
const T* GgufFile::find(std::string_view key) const {
  const auto found = contents_->metadata.find(key);
  if (found == contents_->metadata.end()) return nullptr;
  if (const T* value = std::get_if<T>(&found->second)) return value;
  detail::fail_format(
      "[GgufFile] a key has a value of another type: got {}, expected {} ({}, key '{}')",
      kValueKinds[found->second.index()], kValueKinds[GgufValue(T()).index()], path().string(),
      key);
}

template <typename T>
const T& GgufFile::get(std::string_view key) const {
  if (const T* value = find<T>(key)) return *value;
  detail::fail_format("[GgufFile] a key is missing: expected {} ({}, key '{}')",
                      kValueKinds[GgufValue(T()).index()], path().string(), key);
}

#define SPIKESINK_INSTANTIATE(T)                               \
  template const T* GgufFile::find<T>(std::string_view) const; \
  template const T& GgufFile::get<T>(std::string_view) const;

SPIKESINK_INSTANTIATE(bool)
SPIKESINK_INSTANTIATE(int64_t)
SPIKESINK_INSTANTIATE(double)
SPIKESINK_INSTANTIATE(std::string)
SPIKESINK_INSTANTIATE(std::vector<bool>)
SPIKESINK_INSTANTIATE(std::vector<int64_t>)
SPIKESINK_INSTANTIATE(std::vector<double>)
SPIKESINK_INSTANTIATE(std::vector<std::string>)

#undef SPIKESINK_INSTANTIATE

}  // namespace spikesink
