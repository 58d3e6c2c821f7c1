#include "measure/weights/layer_forms.h"

#include "detail/dtype.h"
#include "measure/spikes/feed_forward_input.h"
#include "spikesink/measure/weights/quadratic_form.h"
#include "spikesink/model/fold_norm.h"

namespace spikesink::detail {
namespace {

torch::Tensor at_least_float32(const torch::Tensor& weight) {
  return weight.detach().to(at_least_float(weight.scalar_type()));
}

}  // namespace

LayerForms::LayerForms(const TransformerImpl& model, int64_t layer)
    : norm_(feed_forward_input(model, layer).norm),
      norms_after_(&model.layers[layer]->feed_forward_norms),
      multiplier_(model.config().residual_multiplier),
      normed_after_(model.config().norm_placement != NormPlacement::kPre),
      has_offset_(model.config().up_offset != 0) {
  const auto& layer_weights = *model.layers[layer];
  const auto add = [&](const FeedForward& network, int64_t expert) {
    members_.push_back({network.get(), network->down.get(), expert});
  };
  if (layer_weights.mlp) add(layer_weights.mlp, ChannelForm::kDense);
  if (layer_weights.linear)
    members_.push_back({nullptr, layer_weights.linear.get(), ChannelForm::kDense});
  if (!layer_weights.experts) return;
  for (const auto& expert : layer_weights.experts->experts)
    add(expert, static_cast<int64_t>(members_.size()));
  if (layer_weights.experts->shared) add(layer_weights.experts->shared, ChannelForm::kShared);
}

bool LayerForms::gated() const {
  const auto* network = members_.front().network;
  return network != nullptr && !network->gate.is_empty();
}

torch::Tensor LayerForms::scale_after() const {
  const auto of_sum = norms_after_->sum->scale(torch::kDouble);
  if (of_sum.defined()) return of_sum.detach().cpu();
  const auto of_output = norms_after_->output->scale(torch::kDouble);
  return of_output.defined() ? of_output.detach().cpu() * multiplier_ : of_output;
}

bool LayerForms::has_biases() const {
  const bool of_norm = norm_ && (*norm_)->bias.defined();
  const auto* network = members_.front().network;
  return has_offset_ || of_norm || (network != nullptr && network->up->bias.defined());
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
  return members_[member].down->weight[channel][unit].item<double>();
}

torch::Tensor LayerForms::folded(const torch::Tensor& weight) const {
  return norm_ ? fold_norm(*norm_, weight) : at_least_float32(weight);
}

torch::Tensor LayerForms::scaled_down(size_t member) const {
  const auto& [network, down, expert] = members_[member];
  const auto weight = network != nullptr ? at_least_float32(down->weight) : folded(down->weight);
  return multiplier_ == 1 ? weight : weight * multiplier_;
}

}  // namespace spikesink::detail
