#include "weights/torch/zip_archive.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <utility>
#include <vector>

#include "detail/fail.h"

namespace spikesink::detail {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50, kRecord = 0x02014b50, kEnd = 0x06054b50,
                   kEnd64 = 0x06064b50, kLocator = 0x07064b50;
constexpr uint64_t kLocalHeaderBytes = 30, kRecordBytes = 46, kEndBytes = 22, kEnd64Bytes = 56,
                   kLocatorBytes = 20, kMostComment = 65535;
// A field of 32 bits with this value is continued in the zip64 extra field.
constexpr uint64_t kContinued = UINT32_MAX;
constexpr uint16_t kZip64 = 1;
// Encrypted, strongly encrypted, masked headers
constexpr uint16_t kEncrypted = 1 << 0 | 1 << 6 | 1 << 13;
constexpr uint16_t kSizesFollow = 1 << 3;

struct Directory {
  uint64_t begin;
  uint64_t end;
  uint64_t entries;
};

/// An entry of the directory. Names and extra fields are views of the file.
struct Record {
  std::string_view name;
  std::string_view extra;
  uint16_t flags;
  uint16_t method;
  uint64_t stored_size;
  uint64_t size;
  uint64_t header;  // offset of the local header
  uint64_t data;    // offset of the data
};

bool is_unsafe(std::string_view name) {
  if (name.empty() || name.front() == '/') return true;
  if (name.find('\0') != name.npos || name.find('\\') != name.npos) return true;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") return true;
    begin = end + 1;
  }
  return false;
}

class ZipReader {
 public:
  ZipReader(const MappedFile& file, std::string_view caller) : file_(file), caller_(caller) {}

  ZipEntries read() const {
    const Directory directory = find_directory();
    std::vector<Record> records = read_directory(directory);
    for (Record& record : records) check_local_header(record, directory.begin);
    ZipEntries entries;
    for (const Record& record : records) {
      const ZipEntry entry{record.data, record.stored_size, record.method};
      if (!entries.emplace(record.name, entry).second)
        fail("two entries of the zip file have one name: '{}'", record.name);
    }
    check_overlaps(records);
    return entries;
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    fail_format("[{}] {} ({})", caller_, fmt::format(text, std::forward<Args>(args)...),
                file_.path().string());
  }

  /// The caller has checked that the number is inside the file.
  template <typename T>
  T number(uint64_t offset) const {
    T value;
    std::memcpy(&value, file_.data() + offset, sizeof value);
    return value;
  }

  /// The end of the directory may be followed by a comment, whose length it gives.
  uint64_t find_end() const {
    if (file_.size() >= kEndBytes) {
      const uint64_t last = file_.size() - kEndBytes;
      const uint64_t first = last - std::min(last, kMostComment);
      for (uint64_t at = last + 1; at-- > first;) {
        if (number<uint32_t>(at) == kEnd && number<uint16_t>(at + 20) == last - at) return at;
      }
    }
    fail("the directory at the end of the zip file is missing; likely an interrupted download");
  }

  Directory find_directory() const {
    const uint64_t end = find_end();
    const uint64_t begin = number<uint32_t>(end + 16), size = number<uint32_t>(end + 12);
    const auto entries = number<uint16_t>(end + 10);
    if (number<uint16_t>(end + 8) != entries) fail("the zip file is one of several parts");
    Directory directory{begin, end, entries};
    uint64_t directory_size = size;
    if (end >= kLocatorBytes && number<uint32_t>(end - kLocatorBytes) == kLocator) {
      directory = find_directory64(end - kLocatorBytes, directory_size);
      check_continued("entries", entries, UINT16_MAX, directory.entries);
      check_continued("bytes", size, kContinued, directory_size);
      check_continued("offset", begin, kContinued, directory.begin);
    }
    if (directory.begin > directory.end || directory.end - directory.begin != directory_size) {
      fail("the directory of the zip file: got {} bytes at {}, expected its end at {}",
           directory_size, directory.begin, directory.end);
    }
    const uint64_t most = directory_size / kRecordBytes;
    if (directory.entries > most) {
      fail("the directory of the zip file: got {} entries, expected at most {} in {} bytes",
           directory.entries, most, directory_size);
    }
    return directory;
  }

  Directory find_directory64(uint64_t locator, uint64_t& size) const {
    const auto at = number<uint64_t>(locator + 8);
    if (locator < kEnd64Bytes || at > locator - kEnd64Bytes || number<uint32_t>(at) != kEnd64 ||
        number<uint64_t>(at + 4) != locator - at - 12) {
      fail("the end of the zip64 directory: got offset {}, expected it directly before {}", at,
           locator);
    }
    size = number<uint64_t>(at + 40);
    return {number<uint64_t>(at + 48), at, number<uint64_t>(at + 32)};
  }

  void check_continued(const char* what, uint64_t narrow, uint64_t continued, uint64_t wide) const {
    if (narrow != continued && narrow != wide)
      fail("the two ends of the zip directory disagree: got {} and {} ({})", narrow, wide, what);
  }

  std::vector<Record> read_directory(const Directory& directory) const {
    std::vector<Record> records;
    records.reserve(directory.entries);
    uint64_t at = directory.begin;
    for (uint64_t i = 0; i < directory.entries; ++i)
      records.push_back(read_record(at, directory.end));
    if (at != directory.end)
      fail("bytes follow the zip directory: got its end at {}, expected {}", at, directory.end);
    return records;
  }

  Record read_record(uint64_t& at, uint64_t end) const {
    if (end - at < kRecordBytes || number<uint32_t>(at) != kRecord)
      fail("the directory of the zip file is damaged: got no entry at offset {}", at);
    const auto name = number<uint16_t>(at + 28), extra = number<uint16_t>(at + 30),
               comment = number<uint16_t>(at + 32);
    const uint64_t bytes = kRecordBytes + name + extra + comment;
    if (bytes > end - at) fail("the directory of the zip file is damaged at offset {}", at);
    const std::string_view text = file_.text();
    Record record{.name = text.substr(at + kRecordBytes, name),
                  .extra = text.substr(at + kRecordBytes + name, extra),
                  .flags = number<uint16_t>(at + 8),
                  .method = number<uint16_t>(at + 10),
                  .stored_size = number<uint32_t>(at + 20),
                  .size = number<uint32_t>(at + 24),
                  .header = number<uint32_t>(at + 42),
                  .data = 0};
    widen(record.name, record.extra, {&record.size, &record.stored_size, &record.header});
    check_record(record);
    at += bytes;
    return record;
  }

  void check_record(const Record& record) const {
    if (is_unsafe(record.name))
      fail("an entry of the zip file has an unsafe name: got '{}', expected a relative path",
           record.name);
    if ((record.flags & kEncrypted) != 0)
      fail("the entry '{}' of the zip file is encrypted, expected plain data", record.name);
    if (record.method == 0 && record.size != record.stored_size) {
      fail("the entry '{}' of the zip file has two sizes: got {} and {} bytes", record.name,
           record.size, record.stored_size);
    }
  }

  /// Replaces values that are continued in the zip64 extra field, which has just these, in order.
  void widen(std::string_view name, std::string_view extra,
             std::initializer_list<uint64_t*> values) const {
    if (std::ranges::none_of(values, [](uint64_t* value) { return *value == kContinued; })) return;
    std::string_view wide = zip64_of(name, extra);
    for (uint64_t* value : values) {
      if (*value != kContinued) continue;
      if (wide.size() < sizeof *value)
        fail("the entry '{}' of the zip file: its zip64 sizes are missing", name);
      std::memcpy(value, wide.data(), sizeof *value);
      wide.remove_prefix(sizeof *value);
    }
  }

  std::string_view zip64_of(std::string_view name, std::string_view extra) const {
    while (extra.size() >= 4) {
      uint16_t id, size;
      std::memcpy(&id, extra.data(), sizeof id);
      std::memcpy(&size, extra.data() + 2, sizeof size);
      extra.remove_prefix(4);
      if (size > extra.size()) break;
      if (id == kZip64) return extra.substr(0, size);
      extra.remove_prefix(size);
    }
    fail("the entry '{}' of the zip file: its zip64 sizes are missing", name);
  }

  /// Sets `record.data`.
  void check_local_header(Record& record, uint64_t end) const {
    const uint64_t at = record.header;
    if (end < kLocalHeaderBytes || at > end - kLocalHeaderBytes)
      fail("the entry '{}' is not in the zip file: got offset {}, expected at most {}", record.name,
           at, end);
    if (number<uint32_t>(at) != kLocalHeader)
      fail("the entry '{}' of the zip file has no header at offset {}", record.name, at);
    const auto name = number<uint16_t>(at + 26), extra = number<uint16_t>(at + 28);
    const uint64_t header = kLocalHeaderBytes + name + extra, left = end - at;
    if (header > left || record.stored_size > left - header) {
      fail(
          "the entry '{}' passes the end of the zip file's data: got {} bytes at {}, expected at "
          "most {}; likely an interrupted download",
          record.name, record.stored_size, at, left - std::min(left, header));
    }
    record.data = at + header;
    const std::string_view text = file_.text();
    const auto local_name = text.substr(at + kLocalHeaderBytes, name);
    if (local_name != record.name) {
      fail(
          "an entry of the zip file has two names: got '{}' in its header and '{}' in the "
          "directory",
          local_name, record.name);
    }
    check_local_sizes(record, text.substr(at + kLocalHeaderBytes + name, extra));
  }

  void check_local_sizes(const Record& record, std::string_view extra) const {
    const auto flags = number<uint16_t>(record.header + 6),
               method = number<uint16_t>(record.header + 8);
    uint64_t stored_size = number<uint32_t>(record.header + 18),
             size = number<uint32_t>(record.header + 22);
    if ((flags & kEncrypted) != 0 || method != record.method) {
      fail(
          "the entry '{}' of the zip file is stored in two ways: got method {} in its header and "
          "{} in the directory",
          record.name, method, record.method);
    }
    if ((flags & kSizesFollow) != 0 && stored_size == 0 && size == 0) return;
    widen(record.name, extra, {&size, &stored_size});
    if (stored_size != record.stored_size || size != record.size) {
      fail(
          "the entry '{}' of the zip file has two sizes: got {} bytes in its header and {} in the "
          "directory",
          record.name, size, record.size);
    }
  }

  void check_overlaps(std::vector<Record>& records) const {
    std::ranges::sort(records, {}, &Record::header);
    for (size_t i = 1; i < records.size(); ++i) {
      const Record &first = records[i - 1], &second = records[i];
      if (first.data + first.stored_size > second.header)
        fail("the entry '{}' of the zip file overlaps '{}'", first.name, second.name);
    }
  }

  const MappedFile& file_;
  std::string_view caller_;
};

}  // namespace

ZipEntries read_zip(const MappedFile& file, std::string_view caller) {
  return ZipReader(file, caller).read();
}

void refuse_compressed(const ZipEntries& entries, const MappedFile& file, std::string_view caller) {
  for (const auto& [name, entry] : entries) {
    if (entry.method == 0) continue;
    fail_format(
        "[{}] the entry '{}' of the zip file is compressed: got method {}, expected 0, stored as "
        "torch.save does ({})",
        caller, name, entry.method, file.path().string());
  }
}

}  // namespace spikesink::detail
