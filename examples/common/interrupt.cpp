#include "common/interrupt.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "common/terminal.h"

namespace examples {
namespace fs = std::filesystem;
namespace {

// A signal handler may call few functions. It writes the number of the signal to a pipe, which a
// thread reads; 0 ends the thread.
int pipe_ends[2] = {-1, -1};

constexpr int kMostAttempts = 100;

void send(int signal) {
  const int error = errno;
  const auto number = static_cast<unsigned char>(signal);
  [[maybe_unused]] const auto written = ::write(pipe_ends[1], &number, 1);
  errno = error;
}

void set_handler(void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    // A signal that nohup ignores stays ignored.
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);
  }
}

// The temporary names of TemporaryFile and save_checkpoint.
bool is_unfinished(const fs::path& path) {
  const auto name = path.filename().string();
  return name.ends_with(".unfinished") ||
         (name.ends_with(".tmp") &&
          name.find(fmt::format(".{}-", ::getpid())) != std::string::npos);
}

std::vector<fs::path> unfinished_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (is_unfinished(entry->path())) found.push_back(entry->path());
  }
  return found;
}

// Returns whether there was anything to remove.
bool remove_unfinished(const fs::path& folder) {
  const auto unfinished = unfinished_in(folder);
  std::error_code ignored;
  for (const auto& path : unfinished) {
    // The program may rename it to its final name at the same time; only one rename succeeds.
    const auto removed = path.parent_path() / ("interrupted-" + path.filename().string());
    fs::rename(path, removed, ignored);
    fs::remove_all(removed, ignored);
  }
  return !unfinished.empty();
}

std::vector<std::string> kept_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!is_unfinished(entry->path())) names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Interrupt::Interrupt(std::string program, fs::path out, std::string advice)
    : program_(std::move(program)),
      out_(std::move(out)),
      advice_(std::move(advice)),
      folder_is_new_(!fs::exists(out_)) {
  if (::pipe(pipe_ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  thread_ = std::thread([this] { await_signal(); });
  set_handler(send, SA_RESTART | SA_RESETHAND);
}

Interrupt::~Interrupt() {
  set_handler(SIG_DFL, 0);
  send(0);
  thread_.join();
  for (const int end : pipe_ends) ::close(end);
}

void Interrupt::await_signal() const {
  unsigned char signal = 0;
  while (::read(pipe_ends[0], &signal, 1) < 0 && errno == EINTR) {
  }
  if (signal != 0) end(signal);
}

void Interrupt::end(int signal) const {
  std::error_code ignored;
  remove_unfinished(out_);
  const auto kept = kept_in(out_);
  print_stderr("{}{}: interrupted: {}\n", ::isatty(STDERR_FILENO) ? "\r\033[K" : "", program_,
               kept.empty() ? "nothing was written"
                            : fmt::format("{} keeps {}{}{}", out_.string(), fmt::join(kept, ", "),
                                          advice_.empty() ? "" : "; ", advice_));
  // The program runs on until the exit and may begin another file.
  for (int attempt = 0; attempt < kMostAttempts && remove_unfinished(out_); ++attempt) {
  }
  if (kept.empty() && folder_is_new_) fs::remove(out_, ignored);
  ::_exit(128 + signal);
}

}  // namespace examples
