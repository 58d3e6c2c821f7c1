#include "detail/free_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace spikesink::detail {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

// Reads the number in a file; nothing if the file does not exist or contains a word ("max").
std::optional<int64_t> read_number(const std::string& file) {
  std::ifstream stream(file);
  int64_t number = 0;
  if (stream >> number) return number;
  return std::nullopt;
}

int64_t available_memory() {
  std::ifstream stream("/proc/meminfo");
  std::string word;
  while (stream >> word) {
    int64_t kilobytes = 0;
    if (word == "MemAvailable:" && stream >> kilobytes) return kilobytes * 1024;
  }
  return static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
}

int64_t remaining(const std::string& limit, const std::string& used) {
  const auto limit_bytes = read_number(limit), used_bytes = read_number(used);
  if (!limit_bytes || !used_bytes) return kUnlimited;
  return std::max<int64_t>(0, *limit_bytes - *used_bytes);
}

}  // namespace

int64_t free_memory() {
  const std::string groups = "/sys/fs/cgroup/";
  return std::min({available_memory(), remaining(groups + "memory.max", groups + "memory.current"),
                   remaining(groups + "memory/memory.limit_in_bytes",
                             groups + "memory/memory.usage_in_bytes")});
}

}  // namespace spikesink::detail
