#include "measure/weights/stream_size.h"

#include <cmath>

namespace spikesink::detail {
namespace {

constexpr double kMedianOfNormal = 0.6744897501960817;  // median |x| of a standard normal x

torch::Tensor squared_scale(const Norm& norm) {
  return norm->scale(torch::kDouble).detach().square().cpu();
}

// The second moment of each channel over the vocabulary, after the embedding norm, if there is one.
torch::Tensor embedding_moments(const TransformerImpl& model) {
  const auto pinned = model.pin_weights(WeightGroup::embedding());
  if (model.embedding_norm->scale(torch::kDouble).defined())
    return squared_scale(model.embedding_norm);
  const auto of_rows = [](const torch::Tensor& table) {
    return table.detach().square().mean(0, /*keepdim=*/false, torch::kDouble).cpu();
  };
  const double multiplier = model.config().embedding_multiplier;
  if (model.project_in) return of_rows(model.embedding.matmul(model.project_in->weight.t()));
  return of_rows(model.embedding) * (multiplier * multiplier);
}

}  // namespace

StreamSize::StreamSize(const TransformerImpl& model)
    : model_(model), moments_(embedding_moments(model)) {}

void StreamSize::add_block(int64_t layer, const torch::Tensor& norms) {
  const auto& after = model_.layers[layer]->feed_forward_norms;
  const double multiplier = model_.config().residual_multiplier;
  if (after.sum->scale(torch::kDouble).defined()) {
    moments_ = squared_scale(after.sum);
  } else if (after.output->scale(torch::kDouble).defined()) {
    moments_ = moments_ + squared_scale(after.output) * (multiplier * multiplier);
  } else {
    moments_ = moments_ + norms.square();
  }
}

double StreamSize::median() const {
  return kMedianOfNormal * std::sqrt(moments_.median().item<double>());
}

}  // namespace spikesink::detail
