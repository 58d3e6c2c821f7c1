#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spikesink::detail {

/// A file without a name, for what does not fit in memory; gone with this object, or the process.
/// It lies in the folder that TMPDIR names, else in /var/tmp, which unlike /tmp is on a disk.
class ScratchFile {
 public:
  /// `function` opens the messages. Throws FormatError when no file can be made.
  explicit ScratchFile(std::string_view function);
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile();

  /// Both throw FormatError: a full disk, or a file that cannot be read.
  void write(int64_t offset, const void* data, int64_t bytes);
  void read(int64_t offset, void* data, int64_t bytes) const;

 private:
  [[noreturn]] void fail(std::string_view what) const;

  std::string function_, folder_;
  int file_ = -1;
};

}  // namespace spikesink::detail
