#pragma once

#include <vector>

#include "measure/weights/gated_form.h"
#include "spikesink/model/transformer.h"

namespace spikesink::detail {

/// The feed-forward of one layer as its weights give it: one network, the experts and the shared
/// one, one matrix, or nothing. Points into the model.
class LayerForms {
 public:
  LayerForms(const TransformerImpl& model, int64_t layer);

  size_t size() const { return members_.size(); }
  /// As ChannelForm::expert.
  int64_t expert(size_t member) const { return members_[member].expert; }
  bool gated() const;
  bool normed_before() const { return norm_ != nullptr; }
  bool normed_after() const { return normed_after_; }
  /// Whether the forms leave out a constant: a bias of gate, up or the norm, an offset of up.
  bool has_biases() const;

  /// With the norm before it and the model's multiplier folded in. The layer is gated.
  GatedForm form(size_t member) const;
  /// ||U_k||_F of every channel, without a gate ||W_down[k, :]||_2, of one matrix W ||W[k, :]||_2
  /// with the norm folded in; [d_model] float64 on the CPU.
  torch::Tensor norms(size_t member) const;
  /// An element of the down projection as it is stored.
  double down_weight(size_t member, int64_t channel, int64_t unit) const;

 private:
  struct Member {
    const FeedForwardImpl* network;  // null where it is one matrix
    const LinearImpl* down;          // what writes the stream
    int64_t expert;
  };

  torch::Tensor folded(const torch::Tensor& weight) const;
  torch::Tensor scaled_down(size_t member) const;

  const Norm* norm_;
  double multiplier_;
  bool normed_after_, has_offset_;
  std::vector<Member> members_;
};

}  // namespace spikesink::detail
