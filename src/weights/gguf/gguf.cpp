#include "spikesink/weights/gguf.h"

#include <array>
#include <iterator>
#include <utility>

#include "detail/fail.h"
#include "weights/gguf/gguf_split.h"

namespace spikesink {
namespace fs = std::filesystem;

struct GgufFile::Contents {
  fs::path path;
  detail::GgufMetadata metadata;
  std::vector<detail::GgufLocation> locations;
};

namespace {

constexpr std::array<const char*, std::variant_size_v<GgufValue>> kValueKinds = {
    "a boolean",          "an integer",         "a real number",          "a string",
    "a list of booleans", "a list of integers", "a list of real numbers", "a list of strings"};

}  // namespace

GgufFile::GgufFile(const fs::path& path) : contents_(std::make_unique<Contents>()) {
  std::vector<detail::GgufPart> parts = detail::read_gguf_parts(path);
  contents_->path = parts.front().file->path();
  contents_->metadata = std::move(parts.front().metadata);
  for (detail::GgufPart& part : parts) {
    for (TensorInfo& info : part.tensors) add(std::move(info));
    std::move(part.locations.begin(), part.locations.end(),
              std::back_inserter(contents_->locations));
  }
}

GgufFile::~GgufFile() = default;

const fs::path& GgufFile::path() const {
  return contents_->path;
}

const detail::GgufMetadata& GgufFile::metadata() const {
  return contents_->metadata;
}

torch::Tensor GgufFile::read(size_t index) const {
  const detail::GgufLocation& location = contents_->locations[index];
  const std::vector<int64_t>& shape = tensors()[index].shape;
  if (location.type->dequantizer == nullptr)
    return detail::mapped_tensor(location.file, location.begin, shape, location.type->dtype);
  return detail::dequantize(*location.type, location.file->data() + location.begin, shape);
}

std::vector<std::span<uint8_t>> GgufFile::byte_ranges_of(size_t index) const {
  const detail::GgufLocation& location = contents_->locations[index];
  return {{location.file->data() + location.begin, location.bytes}};
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
