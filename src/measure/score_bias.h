#pragma once

#include <cmath>

#include "spikesink/model/attention.h"

namespace spikesink::detail {

/// The part of a score rule that is neither its scale nor its mask, for one product at a time.
template <typename Real>
class ScoreBias {
 public:
  ScoreBias(const ScoreRule& rule, int64_t length)
      : softcap_(static_cast<Real>(rule.softcap)), length_(length) {
    if (!rule.alibi.defined()) return;
    alibi_ = rule.alibi.to(torch::kCPU, c10::CppTypeToScalarType<Real>()).contiguous();
    slopes_ = alibi_.template data_ptr<Real>();
  }

  bool changes_nothing() const { return softcap_ == 0 && slopes_ == nullptr; }
  /// `product`: q . k times the scale.
  Real score(Real product, int64_t head, int64_t query, int64_t key) const {
    if (softcap_ > 0) product = softcap_ * std::tanh(product / softcap_);
    if (slopes_) product += slopes_[head * length_ + key] - slopes_[head * length_ + query];
    return product;
  }

 private:
  Real softcap_;
  int64_t length_;
  torch::Tensor alibi_;           // [H, T]
  const Real* slopes_ = nullptr;  // its values, or none
};

}  // namespace spikesink::detail
