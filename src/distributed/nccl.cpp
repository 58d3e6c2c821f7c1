#include "distributed/nccl.h"

#define USE_C10D_NCCL  // LibTorch is built with it; its headers require the macro
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <cstdlib>

namespace spikesink::detail {

c10::intrusive_ptr<c10d::Backend> open_nccl(const c10::intrusive_ptr<c10d::Store>& store,
                                            int64_t rank, int64_t count,
                                            std::chrono::milliseconds timeout) {
  // Otherwise the NCCL watchdog aborts the process on an error before an error message is printed.
  ::setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", /*overwrite=*/0);
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, static_cast<int>(rank),
                                                     static_cast<int>(count), options);
}

}  // namespace spikesink::detail
