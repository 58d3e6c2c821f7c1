#pragma once

#include <filesystem>
#include <string>
#include <thread>

namespace examples {

/// During its life SIGINT (Ctrl-C), SIGTERM and SIGHUP end the program at once: unfinished files in
/// `out` are removed, one sentence on stderr names the files that remain, and the exit status is
/// 128 plus the number of the signal. A second signal kills the program.
class Interrupt {
 public:
  /// The sentence starts with `program` and ends with `advice`, which may be empty.
  Interrupt(std::string program, std::filesystem::path out, std::string advice);
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

 private:
  void await_signal() const;
  [[noreturn]] void end(int signal) const;

  std::string program_;
  std::filesystem::path out_;
  std::string advice_;
  bool folder_is_new_;
  std::thread thread_;
};

}  // namespace examples
