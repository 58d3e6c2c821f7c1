#include "spikesink/train/token_shard.h"

#include <cstring>

#include "detail/fail.h"
#include "weights/mapped_file.h"

namespace spikesink {
namespace {

constexpr const char* kOpenShard = "open_token_shard";

struct Header {
  int32_t magic, version, count;
};
constexpr int64_t kHeaderBytes = 256 * sizeof(int32_t);

struct Kind {
  int32_t magic, version;
  torch::ScalarType dtype;
};
constexpr Kind kKinds[] = {{20240520, 1, torch::kUInt16}, {20240801, 7, torch::kInt}};

// Of a file that starts with one.
const Kind* kind_of(const detail::MappedFile& file, Header& header) {
  if (file.size() < static_cast<uint64_t>(kHeaderBytes)) return nullptr;
  std::memcpy(&header, file.data(), sizeof(header));
  for (const auto& kind : kKinds) {
    if (header.magic == kind.magic) return &kind;
  }
  return nullptr;
}

}  // namespace

TokenShard open_token_shard(const std::filesystem::path& path) {
  const auto file = detail::MappedFile::open(path, kOpenShard);
  const auto bytes = static_cast<int64_t>(file->size());
  Header header{};
  const auto* kind = kind_of(*file, header);
  if (kind == nullptr) {
    if (bytes % 2 != 0)
      detail::fail_format("[{}] got {} bytes, expected uint16 ids, an even number ({})", kOpenShard,
                          bytes, path.string());
    return {path.string(), detail::mapped_tensor(file, 0, {bytes / 2}, torch::kUInt16)};
  }
  const auto width = static_cast<int64_t>(c10::elementSize(kind->dtype));
  if (header.version != kind->version || header.count < 0 ||
      kHeaderBytes + header.count * width != bytes)
    detail::fail_format(
        "[{}] the header does not fit the file: got version {} and {} tokens, expected version {} "
        "and {} tokens ({})",
        kOpenShard, header.version, header.count, kind->version, (bytes - kHeaderBytes) / width,
        path.string());
  return {path.string(), detail::mapped_tensor(file, kHeaderBytes, {header.count}, kind->dtype)};
}

}  // namespace spikesink
