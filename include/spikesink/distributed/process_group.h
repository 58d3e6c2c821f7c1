#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// Another process of the job died or did not start.
class ProcessError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A process group: rank, world size and collective operations. All processes must call the same
/// functions in the same order. If a process dies, all others throw ProcessError within 30 seconds:
/// in the operation in which they wait, or in their next `check_alive`.
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;

  virtual int64_t rank() const = 0;        // 0 .. world_size - 1
  virtual int64_t world_size() const = 0;  // at least 2
  /// The rank among the processes of the job on this machine; also the index of this process's GPU.
  virtual int64_t local_rank() const = 0;

  /// Gathers one value from each process; every process gets all of them, ordered by rank.
  virtual std::vector<std::string> all_gather(const std::string& value) = 0;
  /// Starts an all-reduce (sum) or a broadcast in place and returns a function that waits for its
  /// end. The tensors must be contiguous and have the same shape, dtype and device type in all
  /// processes (GPUs need a build with CUDA).
  [[nodiscard]] virtual std::function<void()> start_all_reduce(const torch::Tensor& tensor) = 0;
  [[nodiscard]] virtual std::function<void()> start_broadcast(const torch::Tensor& tensor,
                                                              int64_t root) = 0;
  /// Waits until all processes have called it.
  virtual void barrier() = 0;
  /// Throws ProcessError if another process died.
  virtual void check_alive() const = 0;
};

/// True for the process that writes files: rank 0, or the only process.
inline bool is_main_process(const ProcessGroup* processes) {
  return processes == nullptr || processes->rank() == 0;
}

/// The range of items [first, end) of one process. Range sizes differ by at most one.
struct RankRange {
  int64_t first = 0, end = 0;
};
RankRange rank_range(int64_t items, int64_t rank, int64_t world_size);

/// Returns the number of processes that the launcher (torchrun, SLURM) started; 1 without a
/// launcher. Does not join the group. Throws std::invalid_argument for invalid variables, as
/// `join_process_group` does.
int64_t launched_world_size();

/// Joins the process group of this job. The launcher is torchrun or SLURM. Environment variables:
/// - torchrun: WORLD_SIZE, RANK, LOCAL_RANK, MASTER_ADDR, MASTER_PORT
/// - SLURM: SLURM_STEP_NUM_TASKS, SLURM_PROCID, SLURM_LOCALID; MASTER_ADDR, or else the first node
///   of SLURM_STEP_NODELIST; MASTER_PORT, or else a port computed from SLURM_JOB_ID
///
/// Returns null without a launcher or for a single process. Uses Gloo, on the network interface
/// that GLOO_SOCKET_IFNAME names, and NCCL for tensors on GPUs. Throws ProcessError if the other
/// processes do not connect, and std::invalid_argument for invalid variables.
std::unique_ptr<ProcessGroup> join_process_group();

}  // namespace spikesink
