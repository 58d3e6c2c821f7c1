#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string_view>

namespace spikesink::detail {

/// A file written under another name in the same folder and renamed when complete, so that a
/// half-written one is never seen. Without `rename` it is gone when the scope ends.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& final_path);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();

  const std::filesystem::path& path() const { return path_; }
  /// Both throw FormatError, in the name of `function`, when the file cannot be written or put in
  /// its place.
  void write(const std::function<void(std::ostream&)>& contents, std::string_view function);
  void rename(std::string_view function);

 private:
  std::filesystem::path final_path_;
  std::filesystem::path path_;
};

/// A whole file at once, or none, on the disk when this returns.
void write_whole(const std::filesystem::path& file, std::string_view contents,
                 std::string_view function);

/// Waits until what was written of a file or folder is on the disk.
void sync(const std::filesystem::path& path, std::string_view function);

/// Throws FormatError, in the name of `function`, when no file can be made in `folder`.
void check_can_write(const std::filesystem::path& folder, std::string_view function);

}  // namespace spikesink::detail
