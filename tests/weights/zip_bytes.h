#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

/// Writes the fields of binary formats, in little-endian order.
template <typename T>
std::string number_bytes(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

inline std::string u16(uint64_t value) {
  return number_bytes(static_cast<uint16_t>(value));
}
inline std::string u32(uint64_t value) {
  return number_bytes(static_cast<uint32_t>(value));
}
inline std::string u64(uint64_t value) {
  return number_bytes(value);
}

/// An entry of a zip file. Fields that a test does not set are those of a correct file.
struct ZipPart {
  std::string name, data;
  std::string local_name = name;
  uint16_t method = 0, local_method = method, flags = 0, local_flags = flags;
  int64_t extra_bytes = 0;   // added to the size in both headers
  int64_t local_bytes = -1;  // size in the local header
  int64_t offset = -1;       // of the local header
  bool zip64 = false;
};

inline std::string zip64_extra(const std::string& numbers) {
  return u16(1) + u16(numbers.size()) + numbers;
}

inline std::string local_header(const ZipPart& part) {
  const auto bytes = part.data.size() + part.extra_bytes;
  const uint64_t size = part.local_bytes < 0 ? bytes : part.local_bytes;
  const auto extra = part.zip64 ? zip64_extra(u64(size) + u64(size)) : std::string();
  const auto shown = part.zip64 ? UINT32_MAX : size;
  return "PK\3\4" + u16(45) + u16(part.local_flags) + u16(part.local_method) + u32(0) + u32(0) +
         u32(shown) + u32(shown) + u16(part.local_name.size()) + u16(extra.size()) +
         part.local_name + extra;
}

inline std::string directory_entry(const ZipPart& part, uint64_t offset) {
  const uint64_t size = part.data.size() + part.extra_bytes;
  const auto extra = part.zip64 ? zip64_extra(u64(size) + u64(size) + u64(offset)) : std::string();
  const auto shown = part.zip64 ? UINT32_MAX : size;
  return "PK\1\2" + u16(45) + u16(45) + u16(part.flags) + u16(part.method) + u32(0) + u32(0) +
         u32(shown) + u32(shown) + u16(part.name.size()) + u16(extra.size()) + u16(0) + u16(0) +
         u16(0) + u32(0) + u32(part.zip64 ? UINT32_MAX : offset) + part.name + extra;
}

inline std::string directory_end(uint64_t entries, uint64_t size, uint64_t offset) {
  return "PK\5\6" + u16(0) + u16(0) + u16(entries) + u16(entries) + u32(size) + u32(offset) +
         u16(0);
}

/// The end of a directory of zip64, at `offset + size`, and its locator.
inline std::string directory_end64(uint64_t entries, uint64_t size, uint64_t offset) {
  return "PK\6\6" + u64(44) + u16(45) + u16(45) + u32(0) + u32(0) + u64(entries) + u64(entries) +
         u64(size) + u64(offset) + "PK\6\7" + u32(0) + u64(offset + size) + u32(1);
}

inline std::string zip_of(const std::vector<ZipPart>& parts) {
  std::string bytes, directory;
  for (const ZipPart& part : parts) {
    directory += directory_entry(part, part.offset < 0 ? bytes.size() : part.offset);
    bytes += local_header(part) + part.data;
  }
  return bytes + directory + directory_end(parts.size(), directory.size(), bytes.size());
}

/// The same with the ends of zip64, whose other end has no values.
inline std::string zip64_of(const std::vector<ZipPart>& parts) {
  std::string bytes, directory;
  for (const ZipPart& part : parts) {
    directory += directory_entry(part, bytes.size());
    bytes += local_header(part) + part.data;
  }
  return bytes + directory + directory_end64(parts.size(), directory.size(), bytes.size()) +
         directory_end(UINT16_MAX, UINT32_MAX, UINT32_MAX);
}
