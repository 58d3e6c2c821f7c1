#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <memory>
#include <thread>

namespace spikesink::detail {

/// A thread that counts up a heartbeat of this process in a store and checks the heartbeats of the
/// others.
class Heartbeat {
 public:
  Heartbeat(c10::intrusive_ptr<c10d::Store> store, int64_t rank, int64_t count);
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  /// Marks this process as finished in the store or, during an exception, as failed. Only a failed
  /// process is an error for the others.
  ~Heartbeat();

  /// Throws ProcessError if a process has failed or the store does not answer.
  void check_alive() const;
  bool has_failure() const;

 private:
  struct State;
  // Outlives this if the thread waits for a store that does not answer
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace spikesink::detail
