#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace spikesink::detail {

/// A log of lines. Only one process at a time can open it. All functions throw FileError.
class LogFile {
 public:
  /// Creates the file if needed, and locks it.
  explicit LogFile(const std::filesystem::path& path);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  /// Truncates the file to its first `lines` lines. Throws if it has fewer.
  void keep(int64_t lines);
  /// Appends a line. It is safe on the disk only after `sync`.
  void add(std::string_view line);
  void sync();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  int file_;
};

}  // namespace spikesink::detail
