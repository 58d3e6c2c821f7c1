#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <memory>
#include <thread>

namespace spikesink::detail {

/// A thread that says through a store that this process lives, and listens whether the others do.
class Heartbeat {
 public:
  Heartbeat(c10::intrusive_ptr<c10d::Store> store, int64_t rank, int64_t count);
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  /// Says that this process leaves: at its end nobody misses it, while an exception unwinds all do.
  ~Heartbeat();

  /// Throws ProcessError when one is missed, or the store no longer answers.
  void check_alive() const;
  bool misses_somebody() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // outlives this where the thread waits for a store that is silent
  std::thread thread_;
};

}  // namespace spikesink::detail
