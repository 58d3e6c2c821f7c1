#pragma once

#include <filesystem>
#include <string>
#include <thread>

namespace examples {

/// While it lives, Ctrl-C (SIGINT) and SIGTERM end the program at once: what is half written in
/// `out` is removed, a sentence says what is kept there, and the exit status is 128 and the
/// signal's number. A second signal ends it without that.
class Interrupt {
 public:
  /// `program` begins the sentence, and `advice` ends it, where there is any.
  Interrupt(std::string program, std::filesystem::path out, std::string advice);
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

 private:
  void wait_for_signal() const;
  [[noreturn]] void end(int signal) const;

  std::string program_;
  std::filesystem::path out_;
  std::string advice_;
  bool made_here_;  // the folder was not there before
  std::thread waiting_;
};

}  // namespace examples
