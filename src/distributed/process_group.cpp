#include "spikesink/distributed/process_group.h"

#define USE_C10D_GLOO  // LibTorch is built with it; its headers require the macro
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "detail/fail.h"
#include "distributed/heartbeat.h"
#include "distributed/job_environment.h"
#include "distributed/nccl.h"

namespace spikesink {
namespace {

using Work = c10::intrusive_ptr<c10d::Work>;

// For all processes to connect.
constexpr auto kJoinTimeout = std::chrono::minutes(5);
// For one collective operation. It is long because the heartbeat detects dead processes.
constexpr auto kCollectiveTimeout = std::chrono::hours(24);
constexpr auto kPollInterval = std::chrono::microseconds(200);

std::string first_line(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string text = torch_error ? torch_error->what_without_backtrace() : error.what();
  return text.substr(0, text.find('\n'));
}

c10::intrusive_ptr<c10d::Store> open_store(const detail::JobEnvironment& job) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(job.port);
  options.isServer = job.rank == 0 && !job.has_store;
  options.numWorkers = static_cast<size_t>(job.count);
  options.waitWorkers = false;
  options.timeout = kJoinTimeout;
  return c10::make_intrusive<c10d::PrefixStore>(
      "spikesink", c10::make_intrusive<c10d::TCPStore>(job.address, options));
}

std::shared_ptr<gloo::transport::Device> device() {
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr && *interface != '\0')
    return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  return c10d::ProcessGroupGloo::createDefaultDevice();
}

c10::intrusive_ptr<c10d::Backend> open_gloo(const c10::intrusive_ptr<c10d::Store>& store,
                                            const detail::JobEnvironment& job) {
  auto options = c10d::ProcessGroupGloo::Options::create(kJoinTimeout);
  options->devices.push_back(device());
  auto group = c10::make_intrusive<c10d::ProcessGroupGloo>(store, static_cast<int>(job.rank),
                                                           static_cast<int>(job.count), options);
  group->setTimeout(kCollectiveTimeout);
  return group;
}

class JobProcesses : public ProcessGroup {
 public:
  explicit JobProcesses(const detail::JobEnvironment& job)
      : job_(job),
        store_(open_store(job)),
        gloo_(open_gloo(store_, job)),
        heartbeat_(std::make_unique<detail::Heartbeat>(store_->clone(), job.rank, job.count)) {}

  ~JobProcesses() override {
    if (heartbeat_->has_failure()) {
      // Leak the groups: their destructors would wait for operations with a dead process.
      gloo_.release();
      nccl_.release();
    } else if (nccl_) {
      nccl_->shutdown();
    }
  }

  int64_t rank() const override { return job_.rank; }
  int64_t world_size() const override { return job_.count; }
  int64_t local_rank() const override { return job_.local_rank; }

  std::vector<std::string> all_gather(const std::string& mine) override {
    const auto sizes = all_gather(torch::tensor({static_cast<int64_t>(mine.size())}, torch::kLong));
    int64_t largest = 0;
    for (const auto& size : sizes) largest = std::max(largest, size.item<int64_t>());
    auto bytes = torch::zeros({largest}, torch::kByte);
    std::copy(mine.begin(), mine.end(), bytes.data_ptr<uint8_t>());
    std::vector<std::string> all;
    for (const auto& gathered : all_gather(bytes)) {
      const auto* data = reinterpret_cast<const char*>(gathered.data_ptr<uint8_t>());
      all.emplace_back(data, sizes[all.size()].item<int64_t>());
    }
    return all;
  }

  std::function<void()> start_all_reduce(const torch::Tensor& tensor) override {
    auto& group = group_of(tensor);
    return wait_function(launch([&] {
      std::vector<torch::Tensor> tensors{tensor};
      return group.allreduce(tensors);
    }));
  }

  std::function<void()> start_broadcast(const torch::Tensor& tensor, int64_t root) override {
    auto& group = group_of(tensor);
    return wait_function(launch([&] {
      std::vector<torch::Tensor> tensors{tensor};
      c10d::BroadcastOptions options;
      options.rootRank = root;
      return group.broadcast(tensors, options);
    }));
  }

  void barrier() override {
    wait(launch([&] { return gloo_->barrier(); }));
  }

  void check_alive() const override { heartbeat_->check_alive(); }

 private:
  c10d::Backend& group_of(const torch::Tensor& tensor) {
    if (!tensor.is_cuda()) return *gloo_;
    if (!nccl_)
      nccl_ = detail::open_nccl(c10::make_intrusive<c10d::PrefixStore>("nccl", store_), rank(),
                                world_size(), kCollectiveTimeout);
    return *nccl_;
  }

  // Gathers tensors of equal shape, ordered by rank.
  std::vector<torch::Tensor> all_gather(const torch::Tensor& mine) {
    std::vector<std::vector<torch::Tensor>> all(1);
    for (int64_t rank = 0; rank < world_size(); ++rank) all[0].push_back(torch::empty_like(mine));
    wait(launch([&] {
      std::vector<torch::Tensor> tensors{mine};
      return gloo_->allgather(all, tensors);
    }));
    return all[0];
  }

  template <typename Start>
  Work launch(Start start) const {
    check_alive();
    try {
      return start();
    } catch (const std::exception& error) {
      fail(error);
    }
  }

  std::function<void()> wait_function(Work work) const {
    return [this, work = std::move(work)] { wait(work); };
  }

  // Polls, so that a dead process ends the wait with an error.
  void wait(const Work& work) const {
    while (!work->isCompleted()) {
      check_alive();
      std::this_thread::sleep_for(kPollInterval);
    }
    try {
      work->wait();
    } catch (const std::exception& error) {
      fail(error);
    }
  }

  [[noreturn]] static void fail(const std::exception& error) {
    throw ProcessError(fmt::format(
        "[ProcessGroup] another process has ended, probably after an error of its own ({})",
        first_line(error)));
  }

  detail::JobEnvironment job_;
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<c10d::Backend> gloo_, nccl_;  // NCCL is opened for the first GPU tensor
  std::unique_ptr<detail::Heartbeat> heartbeat_;
};

}  // namespace

RankRange rank_range(int64_t items, int64_t rank, int64_t world_size) {
  return {items * rank / world_size, items * (rank + 1) / world_size};
}

int64_t launched_world_size() {
  const auto job = detail::job_environment();
  return job ? job->count : 1;
}

std::unique_ptr<ProcessGroup> join_process_group() {
  const auto job = detail::job_environment();
  if (!job) return nullptr;
  try {
    return std::make_unique<JobProcesses>(*job);
  } catch (const std::exception& error) {
    throw ProcessError(
        fmt::format("[join_process_group] the {} processes could not connect at {}:{}: {}",
                    job->count, job->address, job->port, first_line(error)));
  }
}

}  // namespace spikesink
