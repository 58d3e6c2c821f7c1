#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace spikesink::detail {

/// A file of lines that one process at a time adds to. Errors are FormatErrors.
class LogFile {
 public:
  /// Made if need be, and locked.
  explicit LogFile(const std::filesystem::path& path);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  /// Keeps the first lines and drops the rest. Throws where there are fewer.
  void keep(int64_t lines);
  /// The line is there when this returns, though not yet on the disk.
  void add(std::string_view line);
  void sync();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  int file_;
};

}  // namespace spikesink::detail
