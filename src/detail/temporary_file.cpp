#include "detail/temporary_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "detail/fail.h"

namespace spikesink::detail {
namespace fs = std::filesystem;

TemporaryFile::TemporaryFile(const fs::path& final_path)
    : final_path_(final_path), path_(final_path) {
  static std::atomic<int> count{0};
  path_ += fmt::format(".{}-{}.tmp", ::getpid(), count++);
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

void TemporaryFile::write(const std::function<void(std::ostream&)>& contents,
                          std::string_view function) {
  std::ofstream stream(path_, std::ios::binary | std::ios::trunc);
  contents(stream);
  stream.close();
  if (!stream) {
    fail_format(
        "[{}] cannot write {}; likely the folder is missing, not writable, or the disk is full",
        function, final_path_.string());
  }
}

void TemporaryFile::rename(std::string_view function) {
  std::error_code error;
  fs::rename(path_, final_path_, error);
  if (error)
    fail_format("[{}] cannot write {}: {}", function, final_path_.string(), error.message());
}

void write_whole(const fs::path& file, std::string_view contents, std::string_view function) {
  TemporaryFile temporary(file);
  temporary.write([&](std::ostream& out) { out << contents; }, function);
  sync(temporary.path(), function);
  temporary.rename(function);
  sync(file.parent_path().empty() ? "." : file.parent_path(), function);
}

void sync(const fs::path& path, std::string_view function) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (!synced)
    fail_format("[{}] cannot write {} to the disk: {}", function, path.string(),
                std::generic_category().message(error));
}

void check_can_write(const fs::path& folder, std::string_view function) {
  const TemporaryFile trial(folder / "trial");
  if (!std::ofstream(trial.path())) {
    fail_format("[{}] cannot write into {}: {}", function, folder.string(),
                std::generic_category().message(errno));
  }
}

}  // namespace spikesink::detail
