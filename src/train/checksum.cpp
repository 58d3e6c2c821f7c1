#include "train/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "detail/fail.h"
#include "weights/mapped_file.h"

namespace spikesink::detail {

std::string checksum(const std::filesystem::path& file, std::string_view function) {
  return checksum(MappedFile::open(file, function)->text());
}

std::string checksum(std::string_view bytes) {
  const auto hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace spikesink::detail
