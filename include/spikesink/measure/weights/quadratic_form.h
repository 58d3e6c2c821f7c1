#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/measurement.h"
#include "spikesink/measure/weights/spike_prediction.h"

namespace [[gnu::visibility("default")]] spikesink {

struct QuadraticFormOptions {
  /// The log norm of an outlier is at least this many standard deviations above the median of its
  /// block's log norms. The standard deviation is estimated as 1.4826 x their median absolute
  /// deviation. nullopt: the number that normal log norms exceed anywhere in the model with a
  /// probability of 0.01 (Bonferroni over channels and blocks).
  std::optional<double> outlier_deviations;
  /// Maximum number of outliers per block that are decomposed, largest first.
  int64_t max_outliers = 8;
  int64_t control_count = 1;       // number of control channels, with norms near the median
  int64_t eigenvalue_count = 32;   // number of leading eigenvalues
  int64_t super_weight_count = 3;  // number of super weights per channel
  /// A channel is predicted to spike if its dominance is larger than this. Above 1 / sqrt(2),
  /// lambda*^2 is larger than the sum of all other squared eigenvalues. A form of one hidden unit
  /// whose gate and up vectors are orthogonal has dominance 1 / sqrt(2).
  double least_dominance = 0.70710678;
};

/// How collinear the gate and up rows of a hidden unit i are, with the scale of the norm before
/// them folded in. NaN if a row is zero.
struct GateUpCosine {
  double cosine = 0;      // |cos(g_i, p_i)|, 0..1
  double percentile = 0;  // percent of `BlockForms::other_units` with a smaller one
};

/// The same of many hidden units. Quantile q is element q (n - 1), rounded down; NaN without units.
struct GateUpCosines {
  int64_t units = 0;
  double low = 0, median = 0, high = 0;  // quantiles 0.01, 0.5 and 0.99
  double largest = 0;
};

/// The part of hidden unit i in the leading eigenvalue of channel k,
/// lambda* = sum_i W[k, i] (g_i . s*) (p_i . s*). g_i, p_i: rows of gate and up, with the norm
/// folded in; W: the down projection. The units with the largest shares are super weights (arXiv
/// 2411.07191): they *carry* the channel.
struct SuperWeight {
  int64_t row = 0;                      // of the down projection: the channel
  int64_t column = 0;                   // of the down projection: the hidden unit
  double weight = 0;                    // W_down[row, column]
  double share = 0;                     // share of lambda*; the shares of all units sum to 1
  std::optional<GateUpCosine> gate_up;  // not in an expert
};

/// One output channel k of a feed-forward as the quadratic form x^T S_k x, S_k = (U_k + U_k^T) / 2
/// (arXiv 2603.05498, eqs. 15-19). Without a gate, only `channel`, `expert` and `frobenius_norm`
/// are set.
struct ChannelForm {
  int64_t channel = 0;
  int64_t expert = 0;         // kDense, kShared or the index of the expert
  double frobenius_norm = 0;  // ||U_k||_F
  double symmetric_norm = 0;  // ||S_k||_F
  /// Leading eigenvalues of S_k, signed, largest magnitude first (figure 4).
  std::vector<double> spectrum;
  /// s*, the eigenvector of the first eigenvalue, [d_model] float64 of length 1. The quadratic form
  /// does not depend on the sign of s*, but the activation function does. The sign is chosen so
  /// that sum_i share_i (g_i . s*) >= 0: for x = s* the gate values, weighted by the shares, are
  /// positive on average.
  torch::Tensor trigger;
  double dominance = 0;  // |lambda*| / ||S_k||_F, at most 1
  /// The magnitude that the block adds to the channel for the input sqrt(d_model) s*: |lambda*|
  /// d_model (arXiv 2603.05498, eq. 19), or, if a norm follows the block, the norm's output.
  double max_added = 0;
  std::vector<SuperWeight> super_weights;  // largest shares of lambda* first

  static constexpr int64_t kDense = -1, kShared = -2;

  /// Returns lambda*, the eigenvalue of largest magnitude. 0 without a gate.
  double leading_eigenvalue() const { return spectrum.empty() ? 0.0 : spectrum.front(); }
};

/// One feed-forward block. Mixture of experts: for each channel, the expert with the largest norm
/// is used. The router weight (<= 1) is ignored.
struct BlockForms {
  Block block;
  /// True: gated feed-forward. If false, there are no eigenvalues, and norms[k] = ||W[k, :]||_2 of
  /// the down projection (or of the one matrix).
  bool gated = true;
  bool normed_before = true;  // the input of the block is normed: ||x|| <= sqrt(d_model)
  /// A norm follows the block and rescales its output; this scale is ignored.
  bool normed_after = false;
  /// The block has a bias of gate, up or the norm before it, or an offset of up. The form ignores
  /// them.
  bool has_biases = false;
  torch::Tensor norms;      // [d_model] float64: ||U_k||_F (figure 3)
  double median_norm = 0;   // median of `norms`
  double outlier_norm = 0;  // norms of at least this are outliers
  /// Median |h| of the residual stream after the block that the weights alone suggest: of the
  /// embedding and the feed-forward blocks so far, for inputs without a preferred direction.
  double stream_median = 0;
  /// Channels with norm >= outlier_norm: at most `max_outliers`, largest first.
  std::vector<ChannelForm> outliers;
  std::vector<ChannelForm> controls;  // channels near the median; empty without outliers
  /// The hidden units that carry no outlier. The paper (section 3.1.2) says that those that carry
  /// one have highly collinear rows. Only for a gated block with outliers and without experts.
  std::optional<GateUpCosines> other_units;
};

struct QuadraticFormResult {
  QuadraticFormOptions options;    // with the number of `outlier_deviations` that was used
  std::vector<BlockForms> blocks;  // the feed-forward blocks, in order

  struct OutlierForm {
    Block block;
    const ChannelForm* form;
  };
  /// Returns the outliers of gated blocks, in block order. They point into this result.
  std::vector<OutlierForm> outliers() const;
  /// Returns |cos| between the trigger directions of `outliers()`, [n, n] float64.
  torch::Tensor trigger_cosines() const;
  /// Predicts where spikes rise and fall; see SpikePrediction. `definition`: the limits of spike
  /// channels and steps that the prediction is about.
  SpikePrediction prediction(const LifeCycleOptions& definition = {}) const;
};

/// Analyzes the feed-forward blocks as directional quadratic amplifiers, from the weights alone
/// (arXiv 2603.05498, section 3, eqs. 15-19, theorem B.2). If the activation function is replaced
/// by the identity, output channel k is x^T U_k x, where x is the normed input (without the learned
/// scale of the norm, which is folded into gate and up). The result is empty for a model without
/// feed-forward blocks. The model is not changed. Throws std::invalid_argument if eigenvalue_count
/// is below 1, if another option is below 0, or if the weights are not finite.
QuadraticFormResult quadratic_form(const Transformer& model,
                                   const QuadraticFormOptions& options = {},
                                   const ProgressCallback& progress = {});

}  // namespace spikesink
