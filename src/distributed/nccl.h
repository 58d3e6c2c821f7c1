#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>

namespace spikesink::detail {

/// Opens the backend for collectives on GPUs, one GPU per process. Throws std::logic_error in a
/// build without CUDA.
c10::intrusive_ptr<c10d::Backend> open_nccl(const c10::intrusive_ptr<c10d::Store>& store,
                                            int64_t rank, int64_t count,
                                            std::chrono::milliseconds timeout);

}  // namespace spikesink::detail
