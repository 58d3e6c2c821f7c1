#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "spikesink/model/attention.h"

namespace spikesink::detail {

/// The part of a score rule that is neither its scale nor its mask, for one product at a time. For
/// passes without a cache.
template <typename Real>
class ScoreBias {
 public:
  ScoreBias(const AttentionParams& rule, int64_t length)
      : form_(rule.form),
        softcap_(static_cast<Real>(rule.softcap)),
        length_(length),
        limited_(rule.attention_cap.keys) {
    if (!limited_.empty()) {
      most_ = rule.attention_cap.max_share.to(torch::kCPU, c10::CppTypeToScalarType<Real>())
                  .contiguous();
    }
    if (!rule.alibi.defined()) return;
    alibi_ = rule.alibi.to(torch::kCPU, c10::CppTypeToScalarType<Real>()).contiguous();
    slopes_ = alibi_.template data_ptr<Real>();
  }

  bool changes_nothing() const { return softcap_ == 0 && slopes_ == nullptr && is_exponential(); }
  /// The logarithm of the key's weight. `product`: q . k times the scale.
  Real score(Real product, int64_t head, int64_t query, int64_t key) const {
    if (softcap_ > 0) product = softcap_ * std::tanh(product / softcap_);
    if (slopes_) product += slopes_[head * length_ + key] - slopes_[head * length_ + query];
    if (is_exponential()) return product;
    if (form_ == AttentionForm::kSigmoid)
      return std::min<Real>(product, 0) - std::log1p(std::exp(-std::abs(product)));
    return product > 0 ? product + std::log(-std::expm1(-product))
                       : -std::numeric_limits<Real>::infinity();
  }

  /// exp(score - lse), under the rule's limit.
  Real attention(Real product, int64_t head, int64_t query, int64_t key, Real lse) const {
    const Real share = std::exp(score(product, head, query, key) - lse);
    const bool is_limited =
        key != query && std::find(limited_.begin(), limited_.end(), key) != limited_.end();
    return is_limited ? std::min(share, most(head)) : share;
  }
  /// The keys that the rule limits, and the share that a query of this head gives each at most.
  const std::vector<int64_t>& limited_keys() const { return limited_; }
  Real most(int64_t head) const { return most_.template data_ptr<Real>()[head]; }

 private:
  bool is_exponential() const {
    return form_ == AttentionForm::kSoftmax || form_ == AttentionForm::kSoftmaxPlusOne;
  }

  AttentionForm form_;
  Real softcap_;
  int64_t length_;
  std::vector<int64_t> limited_;
  torch::Tensor most_;            // [H], or undefined
  torch::Tensor alibi_;           // [H, T]
  const Real* slopes_ = nullptr;  // its values, or none
};

}  // namespace spikesink::detail
