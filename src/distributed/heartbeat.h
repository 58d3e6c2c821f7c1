#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace spikesink::detail {

/// A thread that says through a store that this process lives, and listens whether the others do.
class Heartbeat {
 public:
  Heartbeat(c10::intrusive_ptr<c10d::Store> store, int64_t rank, int64_t count);
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  /// Says that this process leaves: at its end nobody misses it, while an exception unwinds all do.
  ~Heartbeat();

  /// Throws ProcessError when one is missed.
  void check() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Other {
    int64_t rank;
    int64_t beats = 0;
    Clock::time_point heard = Clock::now();
    bool has_left = false;
  };

  void beat();
  void listen();
  void miss(const std::string& whom);

  c10::intrusive_ptr<c10d::Store> store_;
  int64_t rank_;
  std::vector<Other> others_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stops_ = false;
  std::string missed_;  // a sentence, or nothing
  std::thread thread_;
};

}  // namespace spikesink::detail
