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

struct ShardFormat {
  int32_t magic, version;
  torch::ScalarType dtype;
};
constexpr ShardFormat kShardFormats[] = {{20240520, 1, torch::kUInt16}, {20240801, 7, torch::kInt}};

// The format of a file that starts with a header, or null.
const ShardFormat* format_of(const detail::MappedFile& file, Header& header) {
  if (file.size() < static_cast<uint64_t>(kHeaderBytes)) return nullptr;
  std::memcpy(&header, file.data(), sizeof(header));
  for (const auto& format : kShardFormats) {
    if (header.magic == format.magic) return &format;
  }
  return nullptr;
}

}  // namespace

TokenShard open_token_shard(const std::filesystem::path& path) {
  const auto file = detail::MappedFile::open(path, kOpenShard);
  const auto bytes = static_cast<int64_t>(file->size());
  Header header{};
  const auto* format = format_of(*file, header);
  if (format == nullptr) {
    if (bytes % 2 != 0)
      detail::fail_format("[{}] got {} bytes, expected uint16 ids, an even number ({})", kOpenShard,
                          bytes, path.string());
    return {path.string(), detail::mapped_tensor(file, 0, {bytes / 2}, torch::kUInt16)};
  }
  const auto width = static_cast<int64_t>(c10::elementSize(format->dtype));
  if (header.version != format->version || header.count < 0 ||
      kHeaderBytes + header.count * width != bytes)
    detail::fail_format(
        "[{}] the header does not fit the file: got version {} and {} tokens, expected version {} "
        "and {} tokens ({})",
        kOpenShard, header.version, header.count, format->version, (bytes - kHeaderBytes) / width,
        path.string());
  return {path.string(), detail::mapped_tensor(file, kHeaderBytes, {header.count}, format->dtype)};
}

}  // namespace spikesink
