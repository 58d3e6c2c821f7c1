#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spikesink::detail {

/// An unnamed temporary file for data that does not fit in memory. It is removed with this object
/// or at the end of the process. Its folder is TMPDIR or, by default, /var/tmp, which unlike /tmp
/// is on a disk.
class ScratchFile {
 public:
  /// Messages start with `function`. Throws FileError if no file can be created.
  explicit ScratchFile(std::string_view function);
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile();

  /// Both throw FileError if the disk is full or the file cannot be read.
  void write(int64_t offset, const void* data, int64_t bytes);
  void read(int64_t offset, void* data, int64_t bytes) const;

 private:
  [[noreturn]] void fail(std::string_view what) const;

  std::string function_, folder_;
  int file_ = -1;
};

}  // namespace spikesink::detail
