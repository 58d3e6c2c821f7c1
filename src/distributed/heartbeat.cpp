#include "distributed/heartbeat.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

#include "detail/fail.h"
#include "spikesink/distributed/process_group.h"

namespace spikesink::detail {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPeriod = std::chrono::seconds(2);
constexpr auto kTimeout = std::chrono::seconds(20);
// Added to the beats of a process that has finished, and of one that has failed.
constexpr int64_t kFinished = 1'000'000'000'000, kFailed = 2 * kFinished;

std::string beats_of(int64_t rank) {
  return "spikesink/beats/" + std::to_string(rank);
}

}  // namespace

struct Heartbeat::State {
  struct Other {
    int64_t rank;
    int64_t beats = 0;
    Clock::time_point last_seen = Clock::now();
    bool has_finished = false;
  };

  c10::intrusive_ptr<c10d::Store> store;
  int64_t rank;
  std::vector<Other> others;

  mutable std::mutex mutex;
  std::condition_variable wake;
  bool stop_requested = false, has_ended = false;
  Clock::time_point store_answered = Clock::now();
  std::string failure;  // an error message, or empty

  void run() {
    std::unique_lock lock(mutex);
    while (!stop_requested && failure.empty()) {
      lock.unlock();
      try {
        store->add(beats_of(rank), 1);
        for (auto& other : others) check(other);
      } catch (const std::exception&) {
        report("the process with the job's store, usually process 0, has ended");
      }
      lock.lock();
      store_answered = Clock::now();
      wake.wait_for(lock, kPeriod, [this] { return stop_requested; });
    }
    has_ended = true;
    wake.notify_all();
  }

  void check(Other& other) {
    if (other.has_finished) return;
    const int64_t beats = store->add(beats_of(other.rank), 0);
    other.has_finished = beats >= kFinished;
    if (beats >= kFailed) {
      report(fmt::format("process {} ended with an error of its own", other.rank));
    } else if (beats != other.beats) {
      other.beats = beats;
      other.last_seen = Clock::now();
    } else if (Clock::now() - other.last_seen > kTimeout) {
      report(fmt::format(
          "process {} sent no heartbeat for {} s: it died, hangs, or its machine is not "
          "reachable",
          other.rank, kTimeout.count()));
    }
  }

  void report(const std::string& what) {
    const std::lock_guard lock(mutex);
    if (failure.empty()) failure = fmt::format("[ProcessGroup] {}", what);
  }

  // The error message of the first failure; empty if all processes are alive.
  std::string failure_message() const {
    const std::lock_guard lock(mutex);
    if (!failure.empty() || Clock::now() - store_answered < kPeriod + kTimeout) return failure;
    return fmt::format(
        "[ProcessGroup] the process with the job's store, usually process 0, has not answered "
        "for {} s",
        kTimeout.count());
  }

  // Stops the thread. Returns false if it still waits for the store.
  bool stop() {
    std::unique_lock lock(mutex);
    stop_requested = true;
    wake.notify_all();
    const bool silent = Clock::now() - store_answered > kTimeout;
    return wake.wait_for(lock, silent ? std::chrono::seconds(0) : kTimeout,
                         [this] { return has_ended; });
  }
};

Heartbeat::Heartbeat(c10::intrusive_ptr<c10d::Store> store, int64_t rank, int64_t count)
    : state_(std::make_shared<State>()) {
  state_->store = std::move(store);
  state_->rank = rank;
  for (int64_t other = 0; other < count; ++other) {
    if (other != rank) state_->others.push_back({other});
  }
  thread_ = std::thread([state = state_] { state->run(); });
}

Heartbeat::~Heartbeat() {
  if (!state_->stop()) {
    thread_.detach();
    return;
  }
  thread_.join();
  try {
    state_->store->add(beats_of(state_->rank),
                       std::uncaught_exceptions() > 0 ? kFailed : kFinished);
  } catch (const std::exception&) {  // the process with the store has ended already
  }
}

void Heartbeat::check_alive() const {
  const auto failure_message = state_->failure_message();
  if (!failure_message.empty()) throw ProcessError(failure_message);
}

bool Heartbeat::has_failure() const {
  return !state_->failure_message().empty();
}

}  // namespace spikesink::detail
