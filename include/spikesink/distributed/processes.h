#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// Another process of the job is gone, or never came.
class ProcessError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The processes of one job: which one this is, and what they tell each other. All of them call the
/// same functions in the same order. A process that dies is noticed by the others within half a
/// minute: whatever they wait for in here, or `check` next, throws ProcessError.
class Processes {
 public:
  virtual ~Processes() = default;

  virtual int64_t rank() const = 0;        // 0..count - 1
  virtual int64_t world_size() const = 0;  // at least 2
  /// Among those of the job on this machine; says which GPU is this process's.
  virtual int64_t local_rank() const = 0;

  /// What every process gives, by rank; the same at each.
  virtual std::vector<std::string> all_gather(const std::string& mine) = 0;
  /// Begins to replace a tensor by the sum of all processes' ones, or by that of one of them, and
  /// returns at once; the function that is returned waits for it. The tensors are contiguous, of
  /// one shape and dtype everywhere, and on one kind of device (a GPU takes a build with CUDA).
  [[nodiscard]] virtual std::function<void()> start_all_reduce(const torch::Tensor& tensor) = 0;
  [[nodiscard]] virtual std::function<void()> start_broadcast(const torch::Tensor& tensor,
                                                              int64_t from) = 0;
  /// Returns when all have called it.
  virtual void barrier() = 0;
  /// Throws ProcessError when one is gone.
  virtual void check_alive() const = 0;
};

/// Whether this process is the one that writes: process 0, or one that is alone.
inline bool is_main_process(const Processes* processes) {
  return processes == nullptr || processes->rank() == 0;
}

/// A process's part of so many items in a row, [first, last): as many as the others have, or one
/// more or less.
struct RankRange {
  int64_t first = 0, end = 0;
};
RankRange rank_range(int64_t items, int64_t rank, int64_t count);

/// How many processes the job has that a launcher started this one for, 1 where none did: without
/// joining it. Throws std::invalid_argument as `join_process_group` does.
int64_t launched_world_size();

/// Joins the job that torchrun (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT) or SLURM (SLURM_PROCID,
/// SLURM_STEP_NUM_TASKS; the first node of SLURM_STEP_NODELIST, or MASTER_ADDR and MASTER_PORT)
/// started this process for; null where neither did, or it is alone. Over Gloo, on the interface
/// that GLOO_SOCKET_IFNAME names; tensors on GPUs over NCCL. Throws ProcessError when the others do
/// not come, and std::invalid_argument for variables that cannot be.
std::unique_ptr<Processes> join_process_group();

}  // namespace spikesink
