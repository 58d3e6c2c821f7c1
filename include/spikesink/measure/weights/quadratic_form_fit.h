#pragma once

#include <tuple>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"
#include "spikesink/measure/weights/quadratic_form.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Sums for a regression of measured values m on predicted values p over all tokens.
struct RegressionSums {
  RunningMean measured;
  double squared_error = 0;       // sum of (m - p)^2
  double squared_prediction = 0;  // sum of p^2
  double product = 0;             // sum of m p
  double largest_measured = 0;    // value of largest magnitude, signed
  double largest_predicted = 0;

  /// Adds values of tokens. m and p are [tokens], float64.
  void add(const torch::Tensor& m, const torch::Tensor& p);
  void merge(const RegressionSums& other);
  /// Returns 1 - squared_error / sum of (m - mean m)^2. NaN if m is the same at every token.
  double r_squared() const;
  /// Returns the slope of the least-squares line m = slope * p. NaN if every p is 0.
  double slope() const;
};

struct ChannelFit {
  Block block;
  int64_t channel = 0;
  /// Prediction lambda* (s* . x)^2. x is the normed input of the block, without the learned scale
  /// of the norm.
  RegressionSums leading;
  /// The same prediction, set to 0 if s* . x <= 0: there the part of x along s* makes the gate
  /// values, weighted by the shares, negative (see ChannelForm::trigger).
  RegressionSums open;
  /// Prediction x^T S_k x = sum_i W[k, i] (g_i . x) (p_i . x): the whole form, with the activation
  /// function replaced by the identity. g_i, p_i: rows of gate and up; W: the down projection.
  /// Includes the biases of gate and up.
  RegressionSums full;
};

struct QuadraticFormFitResult {
  std::vector<ChannelFit> channels;  // outliers of the forms, in the same order
};

/// Compares the output predicted by `quadratic_form` with the measured output (arXiv 2603.05498,
/// eqs. 15-19, figure 2), for the outlier channels of dense gated blocks. The measured output is
/// `hook_mlp_out` before a following norm and without the bias of `down`. Experts are skipped.
class QuadraticFormFit : public Mergeable<QuadraticFormFit> {
 public:
  explicit QuadraticFormFit(const QuadraticFormResult& forms);

  /// Throws std::invalid_argument if the model does not fit the forms (layer, width or gate
  /// missing).
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the channels differ.
  void merge(const QuadraticFormFit& other);
  QuadraticFormFitResult result() const { return {fits_}; }

 private:
  friend class Mergeable<QuadraticFormFit>;
  auto fields() { return std::tie(fits_); }

  struct Term {
    double eigenvalue;
    torch::Tensor trigger;  // [d_model]
  };
  struct BlockState;

  // Both take the channels first <= i < last, which belong to one block.
  BlockState block_state(const Transformer& model, size_t first, size_t last) const;
  HookScope add_block_hooks(Transformer& model, size_t first, size_t last);

  std::vector<Term> terms_;
  std::vector<ChannelFit> fits_;  // one per term
};

}  // namespace spikesink
