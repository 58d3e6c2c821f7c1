#include "distributed/nccl.h"

#define USE_C10D_NCCL  // as LibTorch is built; only its headers ask
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

namespace spikesink::detail {

c10::intrusive_ptr<c10d::Backend> open_nccl(const c10::intrusive_ptr<c10d::Store>& store,
                                            int64_t rank, int64_t count) {
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, static_cast<int>(rank),
                                                     static_cast<int>(count));
}

}  // namespace spikesink::detail
