#include "distributed/heartbeat.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

#include "detail/fail.h"
#include "spikesink/distributed/processes.h"

namespace spikesink::detail {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPeriod = std::chrono::seconds(2);
constexpr auto kPatience = std::chrono::seconds(20);
// Added to the beats of a process that leaves: at its end, or with an error.
constexpr int64_t kLeft = 1'000'000'000'000, kFailed = 2 * kLeft;

std::string beats_of(int64_t rank) {
  return "spikesink/beats/" + std::to_string(rank);
}

}  // namespace

struct Heartbeat::State {
  struct Other {
    int64_t rank;
    int64_t beats = 0;
    Clock::time_point heard = Clock::now();
    bool has_left = false;
  };

  c10::intrusive_ptr<c10d::Store> store;
  int64_t rank;
  std::vector<Other> others;

  mutable std::mutex mutex;
  std::condition_variable wake;
  bool stops = false, has_ended = false;
  Clock::time_point answered = Clock::now();  // the store
  std::string missed;                         // a sentence, or nothing

  void beat() {
    std::unique_lock lock(mutex);
    while (!stops && missed.empty()) {
      lock.unlock();
      try {
        store->add(beats_of(rank), 1);
        for (auto& other : others) listen(other);
      } catch (const std::exception&) {
        miss("the process that keeps the job's store, usually process 0, is gone");
      }
      lock.lock();
      answered = Clock::now();
      wake.wait_for(lock, kPeriod, [this] { return stops; });
    }
    has_ended = true;
    wake.notify_all();
  }

  void listen(Other& other) {
    if (other.has_left) return;
    const int64_t beats = store->add(beats_of(other.rank), 0);
    other.has_left = beats >= kLeft;
    if (beats >= kFailed) {
      miss(fmt::format("process {} ended with an error of its own", other.rank));
    } else if (beats != other.beats) {
      other.beats = beats;
      other.heard = Clock::now();
    } else if (Clock::now() - other.heard > kPatience) {
      miss(
          fmt::format("process {} has not been heard of for {} s: it died, hangs, or its machine "
                      "is cut off",
                      other.rank, kPatience.count()));
    }
  }

  void miss(const std::string& whom) {
    const std::lock_guard lock(mutex);
    if (missed.empty()) missed = fmt::format("[Processes] {}", whom);
  }

  // Whom this process misses, in a sentence; nothing where all are well.
  std::string complaint() const {
    const std::lock_guard lock(mutex);
    if (!missed.empty() || Clock::now() - answered < kPeriod + kPatience) return missed;
    return fmt::format(
        "[Processes] the process that keeps the job's store, usually process 0, has not answered "
        "for {} s",
        kPatience.count());
  }

  // Whether the thread could be told to end.
  bool end() {
    std::unique_lock lock(mutex);
    stops = true;
    wake.notify_all();
    const bool silent = Clock::now() - answered > kPatience;
    return wake.wait_for(lock, silent ? std::chrono::seconds(0) : kPatience,
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
  thread_ = std::thread([state = state_] { state->beat(); });
}

Heartbeat::~Heartbeat() {
  if (!state_->end()) {
    thread_.detach();
    return;
  }
  thread_.join();
  try {
    state_->store->add(beats_of(state_->rank), std::uncaught_exceptions() > 0 ? kFailed : kLeft);
  } catch (const std::exception&) {  // whoever kept the store is gone already
  }
}

void Heartbeat::check_alive() const {
  const auto complaint = state_->complaint();
  if (!complaint.empty()) throw ProcessError(complaint);
}

bool Heartbeat::misses_somebody() const {
  return !state_->complaint().empty();
}

}  // namespace spikesink::detail
