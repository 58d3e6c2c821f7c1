#include "measure/core/waiting_states.h"

namespace spikesink::detail {

void WaitingStates::put(size_t batch, torch::Tensor state) {
  auto& waiting = states_[batch];
  const auto bytes = static_cast<int64_t>(state.nbytes());
  if (waiting.offset < 0 && bytes <= memory_left_) {
    memory_left_ -= bytes;
    waiting.state = std::move(state);
    return;
  }
  if (!file_) file_.emplace("run");
  if (waiting.offset < 0) {
    waiting.offset = file_bytes_;
    file_bytes_ += bytes;
  }
  waiting.shape = state.sizes().vec();
  waiting.options = state.options();
  const auto on_cpu = state.cpu().contiguous();
  file_->write(waiting.offset, on_cpu.const_data_ptr(), bytes);
}

torch::Tensor WaitingStates::take(size_t batch) {
  auto& waiting = states_[batch];
  if (waiting.state.defined()) {
    memory_left_ += static_cast<int64_t>(waiting.state.nbytes());
    return std::move(waiting.state);
  }
  auto state = at::empty(waiting.shape, waiting.options.device(torch::kCPU));
  file_->read(waiting.offset, state.data_ptr(), static_cast<int64_t>(state.nbytes()));
  return state.to(waiting.options.device());
}

}  // namespace spikesink::detail
