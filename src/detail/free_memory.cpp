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

// The number of a file that holds one; nothing when there is no such file, or a word in it ("max").
std::optional<int64_t> number_in(const std::string& file) {
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

int64_t left_of(const std::string& limit, const std::string& used) {
  const auto most = number_in(limit), now = number_in(used);
  return most && now ? std::max<int64_t>(0, *most - *now) : kUnlimited;
}

}  // namespace

int64_t free_memory() {
  const std::string groups = "/sys/fs/cgroup/";
  return std::min(
      {available_memory(), left_of(groups + "memory.max", groups + "memory.current"),
       left_of(groups + "memory/memory.limit_in_bytes", groups + "memory/memory.usage_in_bytes")});
}

}  // namespace spikesink::detail
