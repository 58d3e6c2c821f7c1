#include "spikesink/measure/measurement.h"

namespace spikesink {

const StateScan& RunContext::scan(const torch::Tensor& state) {
  if (!scanned_.is_same(state)) {
    scan_.read(state);
    scanned_ = state;
  }
  return scan_;
}

void run(Transformer& model, const TokenBatches& batches,
         const std::vector<Measurement*>& measurements, const Progress& progress) {
  const torch::NoGradGuard no_grad;
  RunContext context;
  HookScope scope;
  for (auto* measurement : measurements) scope += measurement->begin(model, context);
  int64_t total = 0;
  for (const auto& batch : batches) total += batch.ids.size(0);
  int64_t done = 0;
  for (const auto& batch : batches) {
    context.enter(batch);
    model->observe(batch.ids.to(model->options().device()));
    done += batch.ids.size(0);
    if (progress) progress(done, total);
  }
}

}  // namespace spikesink
