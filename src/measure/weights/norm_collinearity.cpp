#include "spikesink/measure/weights/norm_collinearity.h"

#include <algorithm>

#include "detail/dtype.h"
#include "detail/fail.h"
#include "measure/spikes/direction_cosines.h"

namespace spikesink {
namespace {

torch::Tensor first_scale(const Transformer& model) {
  const auto& config = model->config();
  const auto dtype = detail::at_least_float(model->embedding.scalar_type());
  if (config.embedding_norm.kind != NormKind::kNone) return model->embedding_norm->scale(dtype);
  return model->layers.front()->attention_norms.input->scale(dtype);
}

}  // namespace

NormCollinearity norm_collinearity(const Transformer& model) {
  const auto embedding = model->pin_weights(WeightGroup::embedding());
  const auto first_layer = model->pin_weights(WeightGroup::layer(0));
  const auto scale = first_scale(model);
  if (!scale.defined()) return {};
  return {embedding_cosines(model, scale)};
}

std::vector<float> embedding_cosines(const Transformer& model, const torch::Tensor& direction) {
  if (direction.dim() != 1 || direction.size(0) != model->config().d_model) {
    detail::fail_argument("[embedding_cosines] direction: got {}, expected [{}]",
                          c10::str(direction.sizes()), model->config().d_model);
  }
  constexpr int64_t kRows = 1024;
  const torch::NoGradGuard no_grad;
  const auto pinned = model->pin_weights(WeightGroup::embedding());
  const auto& table = model->embedding;
  const int64_t entries = table.size(0);
  std::vector<float> cosines(entries);
  for (int64_t first = 0; first < entries; first += kRows) {
    auto rows = table.slice(0, first, std::min(first + kRows, entries));  // [rows, d_embedding]
    if (model->project_in) rows = model->project_in.ptr()->forward(rows);
    const auto values = detail::cosines_with(rows, direction).to(torch::kCPU, torch::kFloat);
    std::copy_n(values.data_ptr<float>(), values.numel(), cosines.begin() + first);
  }
  return cosines;
}

}  // namespace spikesink
