#pragma once

#include <tuple>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"
#include "spikesink/measure/weights/quadratic_form.h"

namespace [[gnu::visibility("default")]] spikesink {

/// How well predicted values p meet measured ones m over all tokens, as sums that add up.
struct RegressionSums {
  RunningMean measured;
  double squared_error = 0;       // of (m - p)^2
  double squared_prediction = 0;  // of p^2
  double product = 0;             // of m p
  double largest_measured = 0;    // the value of largest magnitude, with its sign
  double largest_predicted = 0;

  /// Both [tokens], float64.
  void add(const torch::Tensor& m, const torch::Tensor& p);
  void merge(const RegressionSums& other);
  /// 1 - squared_error / sum of (m - mean m)^2; not a number when m is the same at every token.
  double r_squared() const;
  /// Of the line m = slope p that fits best; not a number when every p is zero.
  double slope() const;
};

struct ChannelFit {
  Block block;
  int64_t channel = 0;
  /// Of lambda* (s* . x)^2, x being the block's input normed but without the norm's learned scale.
  RegressionSums leading;
  /// Of the same where s* . x > 0, else 0: the activation passes nothing where the gates are shut.
  RegressionSums open;
  /// Of x^T S_k x = sum_i W[k, i] (g_i . x) (p_i . x): all of the form, that is the activation
  /// replaced by the identity. Biases of gate and up, where there are any, are in.
  RegressionSums full;
};

struct QuadraticFormFitResult {
  std::vector<ChannelFit> channels;  // the outliers of the forms, in their order
};

/// Whether the forms of `quadratic_form` say what the model does (arXiv 2603.05498, eqs. 15-19,
/// figure 2): for the outlier channels of dense gated blocks, the output that the form predicts
/// against the one measured, which is `hook_mlp_out` before a norm or a bias of `down`. Experts are
/// passed over.
class QuadraticFormFit : public Mergeable<QuadraticFormFit> {
 public:
  explicit QuadraticFormFit(const QuadraticFormResult& forms);

  /// Throws std::invalid_argument for a model that cannot be the one that the forms are of.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured other channels.
  void merge(const QuadraticFormFit& other);
  QuadraticFormFitResult result() const { return {fits_}; }

 private:
  friend class Mergeable<QuadraticFormFit>;
  auto fields() { return std::tie(fits_); }

  struct Term {
    double eigenvalue;
    torch::Tensor trigger;  // [d_model]
  };
  struct Watched;

  // Of the channels first <= i < last, which are of one block.
  Watched channels_of(const Transformer& model, size_t first, size_t last) const;
  HookScope watch(Transformer& model, size_t first, size_t last);

  std::vector<Term> terms_;
  std::vector<ChannelFit> fits_;  // as many
};

}  // namespace spikesink
