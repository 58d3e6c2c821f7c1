#include "weights/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "detail/fail.h"

namespace spikesink::detail {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::string reason(int error) {
  return std::generic_category().message(error);
}

uintptr_t page_size() {
  static const auto size = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

void fetch_range(std::span<uint8_t> bytes) {
  const auto end = reinterpret_cast<uintptr_t>(bytes.data()) + bytes.size();
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data()) / page_size() * page_size();
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_WILLNEED);
#ifdef MADV_POPULATE_READ
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ);
#endif
}

void release_range(std::span<uint8_t> bytes) {
  const auto end = (reinterpret_cast<uintptr_t>(bytes.data()) + bytes.size()) / page_size();
  const auto begin =
      // rounded up to whole pages
      (reinterpret_cast<uintptr_t>(bytes.data()) + page_size() - 1) / page_size();
  if (begin < end)
    ::madvise(reinterpret_cast<void*>(begin * page_size()), (end - begin) * page_size(),
              MADV_DONTNEED);
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path,
                                                   std::string_view caller) {
  // Without O_NONBLOCK, opening a pipe would wait for its writer.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) fail_format("[{}] cannot open {}: {}", caller, path.string(), reason(errno));
  struct stat status {};
  if (::fstat(file.fd, &status) != 0)
    fail_format("[{}] cannot read the status of {}: {}", caller, path.string(), reason(errno));
  if (!S_ISREG(status.st_mode))
    fail_format("[{}] not a file: got a {}, expected a regular file ({})", caller,
                S_ISDIR(status.st_mode) ? "folder" : "special file", path.string());
  if (status.st_size == 0)
    fail_format("[{}] the file is empty ({}); likely an interrupted download", caller,
                path.string());

  // MAP_NORESERVE: a private writable mapping larger than the memory would be refused otherwise.
  const auto size = static_cast<uint64_t>(status.st_size);
  void* data =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.fd, 0);
  if (data == MAP_FAILED)
    fail_format("[{}] cannot map {}: {}", caller, path.string(), reason(errno));
  return std::shared_ptr<const MappedFile>(new MappedFile(path, static_cast<uint8_t*>(data), size));
}

MappedFile::MappedFile(std::filesystem::path path, uint8_t* data, uint64_t size)
    : path_(std::move(path)), data_(data), size_(size) {}

MappedFile::~MappedFile() {
  ::munmap(data_, size_);
}

void fetch(const std::vector<std::span<uint8_t>>& ranges) {
  for (const auto bytes : ranges) fetch_range(bytes);
}

void release(const std::vector<std::span<uint8_t>>& ranges) {
  for (const auto bytes : ranges) release_range(bytes);
}

std::optional<int64_t> element_count(torch::IntArrayRef shape) {
  int64_t count = 1;
  int64_t without_zeros = 1;
  for (const int64_t size : shape) {
    if (size < 0) return std::nullopt;
    if (__builtin_mul_overflow(without_zeros, std::max<int64_t>(size, 1), &without_zeros))
      return std::nullopt;
    count *= size == 0 ? 0 : 1;
  }
  return count * without_zeros;
}

torch::Tensor mapped_tensor(std::shared_ptr<const MappedFile> file, uint64_t offset,
                            torch::IntArrayRef shape, torch::ScalarType dtype) {
  uint8_t* data = file->data() + offset;
  const size_t element_size = c10::elementSize(dtype);
  const bool misaligned = reinterpret_cast<uintptr_t>(data) % element_size != 0;
  const int64_t count = *element_count(shape);
  if (misaligned || count == 0) {
    torch::Tensor copy = torch::empty(shape, dtype);
    if (count > 0) std::memcpy(copy.data_ptr(), data, static_cast<size_t>(count) * element_size);
    return copy;
  }
  return torch::from_blob(
      data, shape, [file = std::move(file)](void*) {}, dtype);
}

}  // namespace spikesink::detail
