#include "distributed/heartbeat.h"

#include <exception>

#include "detail/fail.h"
#include "spikesink/distributed/processes.h"

namespace spikesink::detail {
namespace {

constexpr auto kPeriod = std::chrono::seconds(2);
constexpr auto kPatience = std::chrono::seconds(20);
// Added to the beats of a process that leaves: at its end, or with an error.
constexpr int64_t kLeft = 1'000'000'000'000, kFailed = 2 * kLeft;

std::string beats_of(int64_t rank) {
  return "spikesink/beats/" + std::to_string(rank);
}

}  // namespace

Heartbeat::Heartbeat(c10::intrusive_ptr<c10d::Store> store, int64_t rank, int64_t count)
    : store_(std::move(store)), rank_(rank) {
  for (int64_t other = 0; other < count; ++other) {
    if (other != rank) others_.push_back({other});
  }
  thread_ = std::thread([this] { beat(); });
}

Heartbeat::~Heartbeat() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  wake_.notify_all();
  thread_.join();
  try {
    store_->add(beats_of(rank_), std::uncaught_exceptions() > 0 ? kFailed : kLeft);
  } catch (const std::exception&) {  // whoever kept the store is gone already
  }
}

void Heartbeat::check() const {
  const std::lock_guard lock(mutex_);
  if (!missed_.empty()) throw ProcessError(missed_);
}

void Heartbeat::beat() {
  std::unique_lock lock(mutex_);
  while (!stops_ && missed_.empty()) {
    lock.unlock();
    try {
      store_->add(beats_of(rank_), 1);
      listen();
    } catch (const std::exception&) {
      miss("the process that keeps the job's store, usually process 0, is gone");
    }
    lock.lock();
    wake_.wait_for(lock, kPeriod, [this] { return stops_; });
  }
}

void Heartbeat::listen() {
  for (auto& other : others_) {
    if (other.has_left) continue;
    const int64_t beats = store_->add(beats_of(other.rank), 0);
    other.has_left = beats >= kLeft;
    if (beats >= kFailed) {
      miss(fmt::format("process {} ended with an error of its own", other.rank));
    } else if (beats != other.beats) {
      other.beats = beats;
      other.heard = Clock::now();
    } else if (Clock::now() - other.heard > kPatience) {
      miss(
          fmt::format("process {} has not been heard of for {} s: it died, or its machine is cut "
                      "off",
                      other.rank, kPatience.count()));
    }
  }
}

void Heartbeat::miss(const std::string& whom) {
  const std::lock_guard lock(mutex_);
  if (missed_.empty()) missed_ = fmt::format("[Processes] {}", whom);
}

}  // namespace spikesink::detail
