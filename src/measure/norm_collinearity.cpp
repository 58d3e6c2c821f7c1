#include "spikesink/measure/norm_collinearity.h"

#include <algorithm>

#include "detail/dtype.h"
#include "detail/fail.h"

namespace spikesink {
namespace {

// What a norm multiplies with, or undefined.
torch::Tensor learned_scale(const Norm& norm, const NormConfig& config) {
  if (!norm->weight.defined() || !config.scale_plus_one) return norm->weight;
  return norm->weight.to(detail::at_least_float(norm->weight.scalar_type())) + 1;
}

torch::Tensor first_scale(const Transformer& model) {
  const auto& config = model->config();
  if (config.embedding_norm.kind != NormKind::kNone)
    return learned_scale(model->embedding_norm, config.embedding_norm);
  const bool reads_first = config.norm_placement == NormPlacement::kPre ||
                           config.norm_placement == NormPlacement::kSandwich;
  return reads_first ? learned_scale(model->layers.front()->ln1, config.norm) : torch::Tensor();
}

}  // namespace

std::vector<float> norm_collinearity(const Transformer& model) {
  const auto scale = first_scale(model);
  return scale.defined() ? embedding_cosines(model, scale) : std::vector<float>();
}

std::vector<float> embedding_cosines(const Transformer& model, const torch::Tensor& direction) {
  if (direction.dim() != 1 || direction.size(0) != model->config().d_model) {
    detail::fail_argument("[embedding_cosines] direction: got {}, expected [{}]",
                          c10::str(direction.sizes()), model->config().d_model);
  }
  constexpr int64_t kRows = 1024;
  const torch::NoGradGuard no_grad;
  const auto& table = model->embedding;
  const auto dtype = detail::at_least_float(table.scalar_type());
  const auto unit = direction.to(table.device(), dtype) / direction.to(dtype).norm();
  const int64_t entries = table.size(0);
  std::vector<float> cosines(entries);
  for (int64_t first = 0; first < entries; first += kRows) {
    auto rows = table.slice(0, first, std::min(first + kRows, entries));  // [rows, d_embedding]
    if (model->project_in) rows = model->project_in.ptr()->forward(rows);
    rows = rows.to(dtype);
    const auto part = (at::mv(rows, unit) / at::linalg_vector_norm(rows, 2, {1})).cpu();
    const auto floats = part.to(torch::kFloat).contiguous();
    std::copy_n(floats.data_ptr<float>(), floats.numel(), cosines.begin() + first);
  }
  return cosines;
}

}  // namespace spikesink
