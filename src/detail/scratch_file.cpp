#include "detail/scratch_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "detail/fail.h"

namespace spikesink::detail {
namespace {

// Reads or writes all bytes, with several calls if needed. Returns false on an error or at the end
// of the file.
template <typename Byte, typename Transfer>
bool transfer_all(Transfer transfer, int file, Byte* data, int64_t bytes, int64_t offset) {
  while (bytes > 0) {
    const auto done = transfer(file, data, static_cast<size_t>(bytes), offset);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    data += done;
    offset += done;
    bytes -= done;
  }
  return true;
}

}  // namespace

ScratchFile::ScratchFile(std::string_view function) : function_(function) {
  const char* chosen = std::getenv("TMPDIR");
  folder_ = chosen != nullptr && *chosen != '\0' ? chosen : "/var/tmp";
  auto name = folder_ + "/spikesink-XXXXXX";
  file_ = ::mkstemp(name.data());
  if (file_ < 0) fail("make");
  ::unlink(name.c_str());
}

ScratchFile::~ScratchFile() {
  ::close(file_);
}

void ScratchFile::write(int64_t offset, const void* data, int64_t bytes) {
  errno = 0;
  if (!transfer_all(::pwrite, file_, static_cast<const char*>(data), bytes, offset)) fail("write");
}

void ScratchFile::read(int64_t offset, void* data, int64_t bytes) const {
  errno = 0;
  if (!transfer_all(::pread, file_, static_cast<char*>(data), bytes, offset)) fail("read");
}

void ScratchFile::fail(std::string_view what) const {
  fail_format("[{}] cannot {} a temporary file in {}: {}; TMPDIR names another folder", function_,
              what, folder_, std::generic_category().message(errno));
}

}  // namespace spikesink::detail
