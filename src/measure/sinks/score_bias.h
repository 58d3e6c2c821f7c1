#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "spikesink/model/attention_params.h"

namespace spikesink::detail {

/// Applies a score rule to single products, without scale and mask: softcap, ALiBi, the attention
/// form and the attention cap. Only for passes without a key/value cache.
template <typename Real>
class ScoreBias {
 public:
  ScoreBias(const AttentionParams& rule, int64_t length)
      : form_(rule.form),
        softcap_(static_cast<Real>(rule.softcap)),
        length_(length),
        capped_keys_(rule.attention_cap.keys) {
    if (!capped_keys_.empty()) {
      max_attention_ =
          rule.attention_cap.max_share.to(torch::kCPU, c10::CppTypeToScalarType<Real>())
              .contiguous();
    }
    if (!rule.alibi.defined()) return;
    alibi_ = rule.alibi.to(torch::kCPU, c10::CppTypeToScalarType<Real>()).contiguous();
    slopes_ = alibi_.template data_ptr<Real>();
  }

  bool is_identity() const { return softcap_ == 0 && slopes_ == nullptr && is_exponential(); }
  /// Returns the logarithm of the key's weight. `product`: q . k times the scale.
  Real score(Real product, int64_t head, int64_t query, int64_t key) const {
    if (softcap_ > 0) product = softcap_ * std::tanh(product / softcap_);
    if (slopes_) product += slopes_[head * length_ + key] - slopes_[head * length_ + query];
    if (is_exponential()) return product;
    if (form_ == AttentionForm::kSigmoid)
      return std::min<Real>(product, 0) - std::log1p(std::exp(-std::abs(product)));
    return product > 0 ? product + std::log(-std::expm1(-product))
                       : -std::numeric_limits<Real>::infinity();
  }

  /// Returns exp(score - lse), limited by the attention cap.
  Real attention(Real product, int64_t head, int64_t query, int64_t key, Real lse) const {
    const Real share = std::exp(score(product, head, query, key) - lse);
    const bool is_capped = key != query && std::find(capped_keys_.begin(), capped_keys_.end(),
                                                     key) != capped_keys_.end();
    return is_capped ? std::min(share, max_attention(head)) : share;
  }
  /// The keys with an attention cap, and the maximum attention of a query of this head to each of
  /// them.
  const std::vector<int64_t>& capped_keys() const { return capped_keys_; }
  Real max_attention(int64_t head) const { return max_attention_.template data_ptr<Real>()[head]; }

 private:
  bool is_exponential() const {
    return form_ == AttentionForm::kSoftmax || form_ == AttentionForm::kSoftmaxPlusOne;
  }

  AttentionForm form_;
  Real softcap_;
  int64_t length_;
  std::vector<int64_t> capped_keys_;
  torch::Tensor max_attention_;   // [H], or undefined
  torch::Tensor alibi_;           // [H, T]
  const Real* slopes_ = nullptr;  // values of alibi_, or null
};

}  // namespace spikesink::detail
