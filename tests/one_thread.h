#pragma once

#include <ATen/Parallel.h>

namespace spikesink {

/// While it lives, operators run in one thread: tensors of small models gain nothing by more, and
/// on a busy machine wait for them.
class OneThread {
 public:
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(threads_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int threads_ = at::get_num_threads();
};

}  // namespace spikesink
