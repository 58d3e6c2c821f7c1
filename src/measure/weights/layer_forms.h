#pragma once

#include <vector>

#include "measure/weights/gated_form.h"
#include "spikesink/model/transformer.h"

namespace spikesink::detail {

/// The feed-forward weights of one layer. Its members are one network, or the experts and the
/// shared expert, or one matrix, or nothing. Points into the model.
class LayerForms {
 public:
  LayerForms(const TransformerImpl& model, int64_t layer);

  size_t size() const { return members_.size(); }
  /// See ChannelForm::expert.
  int64_t expert(size_t member) const { return members_[member].expert; }
  bool gated() const;
  bool normed_before() const { return norm_ != nullptr; }
  bool normed_after() const { return normed_after_; }
  /// Returns the scale of the norm after the block, with the residual multiplier if one follows,
  /// [d_model] float64 on the CPU; undefined without such a norm.
  torch::Tensor scale_after() const;
  /// True if the forms ignore a constant: a bias of gate, up or the norm, or an offset of up.
  bool has_biases() const;

  /// Returns the form with the norm before it and the model's residual multiplier folded in. The
  /// layer must be gated.
  GatedForm form(size_t member) const;
  /// Returns ||U_k||_F of every channel; without a gate ||W_down[k, :]||_2; for one matrix W ||W[k,
  /// :]||_2 with the norm folded in. [d_model] float64 on the CPU.
  torch::Tensor norms(size_t member) const;
  /// Returns an element of the stored down projection.
  double down_weight(size_t member, int64_t channel, int64_t unit) const;

 private:
  struct Member {
    const FeedForwardImpl* network;  // null if the member is one matrix
    const LinearImpl* down;          // the matrix that writes to the residual stream
    int64_t expert;
  };

  torch::Tensor folded(const torch::Tensor& weight) const;
  torch::Tensor scaled_down(size_t member) const;

  const Norm* norm_;
  const BlockNorms* norms_after_;
  double multiplier_;
  bool normed_after_, has_offset_;
  std::vector<Member> members_;
};

}  // namespace spikesink::detail
