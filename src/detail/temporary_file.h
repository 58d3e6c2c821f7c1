#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string_view>

namespace spikesink::detail {

/// A file that is written under a temporary name in the same folder and renamed when complete, so
/// an incomplete file is never visible. Without `rename` it is deleted at the end of the scope.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& final_path);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();

  const std::filesystem::path& path() const { return path_; }
  /// Both throw FileError, with a message that starts with `function`, if the file cannot be
  /// written or renamed.
  void write(const std::function<void(std::ostream&)>& contents, std::string_view function);
  void rename(std::string_view function);

 private:
  std::filesystem::path final_path_;
  std::filesystem::path path_;
};

/// Writes a file atomically; it is on the disk when this returns.
void write_whole(const std::filesystem::path& file, std::string_view contents,
                 std::string_view function);

/// Waits until all writes to a file or folder are on the disk (fsync).
void sync(const std::filesystem::path& path, std::string_view function);

/// Throws FileError, with a message that starts with `function`, if no file can be created in
/// `folder`.
void check_can_write(const std::filesystem::path& folder, std::string_view function);

}  // namespace spikesink::detail
