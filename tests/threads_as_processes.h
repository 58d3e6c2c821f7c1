#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "spikesink/distributed/process_group.h"

namespace spikesink {

/// A job whose processes are threads of this one.
class ThreadJob {
 public:
  explicit ThreadJob(int64_t count) : count_(count) {}

  /// Calls `body` with each process, in threads of their own, and returns when all have ended.
  template <typename Body>
  void run(Body body) {
    std::vector<std::jthread> threads;
    for (int64_t rank = 0; rank < count_; ++rank) {
      threads.emplace_back([this, body, rank] {
        Process process(*this, rank);
        body(process);
      });
    }
  }

 private:
  using Given = std::vector<torch::Tensor>;  // by rank

  class Process : public ProcessGroup {
   public:
    Process(ThreadJob& job, int64_t rank) : job_(job), rank_(rank) {}
    int64_t rank() const override { return rank_; }
    int64_t world_size() const override { return job_.count_; }
    int64_t local_rank() const override { return rank_; }

    std::vector<std::string> all_gather(const std::string& mine) override {
      auto bytes = torch::empty({static_cast<int64_t>(mine.size())}, torch::kByte);
      std::copy(mine.begin(), mine.end(), bytes.data_ptr<uint8_t>());
      std::vector<std::string> all;
      for (const auto& theirs : job_.take(give(bytes))) {
        const auto* data = reinterpret_cast<const char*>(theirs.data_ptr<uint8_t>());
        all.emplace_back(data, theirs.numel());
      }
      return all;
    }

    std::function<void()> start_all_reduce(const torch::Tensor& tensor) override {
      return [this, tensor, at = give(tensor)] {
        const auto given = job_.take(at);
        auto sum = given.front().clone();
        for (size_t rank = 1; rank < given.size(); ++rank) sum += given[rank];
        tensor.copy_(sum);
      };
    }

    std::function<void()> start_broadcast(const torch::Tensor& tensor, int64_t from) override {
      return [this, tensor, from, at = give(tensor)] {
        const torch::NoGradGuard no_grad;
        tensor.copy_(job_.take(at)[from]);
      };
    }

    void barrier() override { job_.take(give(torch::empty({0}))); }
    void check_alive() const override {}

   private:
    // The number of what every process gives now.
    int64_t give(const torch::Tensor& tensor) {
      job_.put(next_, rank_, tensor.detach().clone());
      return next_++;
    }

    ThreadJob& job_;
    int64_t rank_, next_ = 0;
  };

  void put(int64_t at, int64_t rank, torch::Tensor tensor) {
    const std::lock_guard lock(mutex_);
    auto& given = given_.try_emplace(at, Given(count_)).first->second;
    given[rank] = std::move(tensor);
    changed_.notify_all();
  }

  Given take(int64_t at) {
    std::unique_lock lock(mutex_);
    const auto& given = given_.at(at);
    changed_.wait(lock, [&] {
      return std::ranges::all_of(given, [](const auto& tensor) { return tensor.defined(); });
    });
    return given;
  }

  int64_t count_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, Given> given_;
};

}  // namespace spikesink
