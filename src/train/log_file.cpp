#include "train/log_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <limits>
#include <string>
#include <system_error>

#include "detail/fail.h"

namespace spikesink::detail {

LogFile::LogFile(const std::filesystem::path& path)
    : path_(path), file_(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666)) {
  if (file_ < 0) fail("cannot open");
  struct stat status {};
  if (::fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(file_);
    fail_format("[TrainingRun] the log is not a file: got a special file ({})", path_.string());
  }
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(file_);
    errno = error;
    if (error != EWOULDBLOCK) fail("cannot lock");
    fail_format("[TrainingRun] another process is training there ({})", path_.string());
  }
}

LogFile::~LogFile() {
  ::close(file_);
}

void LogFile::fail(const char* what) const {
  fail_format("[TrainingRun] {} {}: {}", what, path_.string(),
              std::generic_category().message(errno));
}

void LogFile::keep(int64_t lines) {
  std::ifstream stream(path_);
  for (int64_t line = 0; line < lines; ++line) {
    stream.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    if (stream.eof())
      fail_format(
          "[TrainingRun] the log is too short: got {} whole lines, expected at least {} "
          "({})",
          line, lines, path_.string());
  }
  if (::ftruncate(file_, stream.tellg()) != 0) fail("cannot shorten");
}

void LogFile::add(std::string_view line) {
  const auto text = std::string(line) + "\n";
  for (std::string_view left = text; !left.empty();) {
    const auto written = ::write(file_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write");
    left.remove_prefix(static_cast<size_t>(written));
  }
}

void LogFile::sync() {
  if (::fsync(file_) != 0) fail("cannot write");
}

}  // namespace spikesink::detail
