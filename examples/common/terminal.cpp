#include "common/terminal.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <chrono>

namespace examples {

spikesink::ProgressCallback progress_bar(const ProgramOptions& options, const std::string& task) {
  if (options.quiet || !isatty(STDERR_FILENO)) return {};
  const auto start = std::chrono::steady_clock::now();
  return [task, start](int64_t done, int64_t total) {
    constexpr int64_t kWidth = 30;
    const int64_t filled = kWidth * done / total;
    const double elapsed =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double left = elapsed * static_cast<double>(total - done) / static_cast<double>(done);
    print_stderr("\r{} [{:━<{}}{: <{}}] {} %, {:.0f} s left \033[K", task, "", filled, "",
                 kWidth - filled, 100 * done / total, left);
    if (done == total) print_stderr("\r\033[K");
    std::fflush(stderr);
  };
}

std::string list(const std::vector<int64_t>& numbers) {
  return numbers.empty() ? "none" : fmt::format("{}", fmt::join(numbers, ", "));
}

}  // namespace examples
