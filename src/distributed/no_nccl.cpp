#include <stdexcept>

#include "distributed/nccl.h"

namespace spikesink::detail {

c10::intrusive_ptr<c10d::Backend> open_nccl(const c10::intrusive_ptr<c10d::Store>&, int64_t,
                                            int64_t, std::chrono::milliseconds) {
  throw std::logic_error(
      "[ProcessGroup] this build has no NCCL: configure it with SPIKESINK_CUDA=ON");
}

}  // namespace spikesink::detail
