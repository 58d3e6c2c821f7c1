#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "weights/mapped_file.h"

namespace spikesink::detail {

/// Where the bytes of an entry are in the file, as they are stored there.
struct ZipEntry {
  uint64_t offset;
  uint64_t size;
  uint16_t method;  // of compression; 0: none
};

using ZipEntries = std::map<std::string, ZipEntry, std::less<>>;

/// Reads the directory of a zip file (zip64 too) and the local headers, but no data. Throws
/// FileError, with a message that starts with `caller`, if they disagree, and for entries that are
/// encrypted, overlap, pass the directory or have an unsafe name or that of another entry.
ZipEntries read_zip(const MappedFile& file, std::string_view caller);

/// Throws FileError for the first entry that is not stored as it is.
void refuse_compressed(const ZipEntries& entries, const MappedFile& file, std::string_view caller);

}  // namespace spikesink::detail
