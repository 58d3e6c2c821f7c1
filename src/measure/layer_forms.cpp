#include "measure/layer_forms.h"

#include "detail/dtype.h"
#include "measure/feed_forward_input.h"
#include "spikesink/measure/quadratic_form.h"
#include "spikesink/model/fold_norm.h"

namespace spikesink::detail {
namespace {

torch::Tensor wide(const torch::Tensor& weight) {
  return weight.detach().to(at_least_float(weight.scalar_type()));
}

}  // namespace

LayerForms::LayerForms(const TransformerImpl& model, int64_t layer)
    : norm_(feed_forward_input(model, layer).norm),
      multiplier_(model.config().residual_multiplier),
      normed_after_(model.config().norm_placement != NormPlacement::kPre),
      has_offset_(model.config().up_offset != 0) {
  const auto& from = *model.layers[layer];
  if (from.mlp) {
    members_.push_back({from.mlp.get(), ChannelForm::kDense});
    return;
  }
  if (!from.experts) return;  // one matrix, or nothing
  for (const auto& expert : from.experts->experts)
    members_.push_back({expert.get(), static_cast<int64_t>(members_.size())});
  if (from.experts->shared) members_.push_back({from.experts->shared.get(), ChannelForm::kShared});
}

bool LayerForms::gated() const {
  return !members_.empty() && !members_.front().network->gate.is_empty();
}

bool LayerForms::has_biases() const {
  const bool of_norm = norm_ && (*norm_)->bias.defined();
  return has_offset_ || of_norm || members_.front().network->up->bias.defined();
}

GatedForm LayerForms::form(size_t member) const {
  const auto& network = *members_[member].network;
  return {folded(network.gate->weight), folded(network.up->weight), scaled_down(member)};
}

torch::Tensor LayerForms::norms(size_t member) const {
  if (gated()) return form(member).norms();
  return at::linalg_vector_norm(scaled_down(member), 2, {1}, false, torch::kDouble).cpu();
}

double LayerForms::down_weight(size_t member, int64_t channel, int64_t unit) const {
  return members_[member].network->down->weight[channel][unit].item<double>();
}

torch::Tensor LayerForms::folded(const torch::Tensor& weight) const {
  return norm_ ? fold_norm(*norm_, weight) : wide(weight);
}

torch::Tensor LayerForms::scaled_down(size_t member) const {
  const auto weight = wide(members_[member].network->down->weight);
  return multiplier_ == 1 ? weight : weight * multiplier_;
}

}  // namespace spikesink::detail
