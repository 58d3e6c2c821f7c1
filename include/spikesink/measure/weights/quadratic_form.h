#pragma once

#include <torch/types.h>

#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/measurement.h"
#include "spikesink/measure/weights/spike_prediction.h"

namespace [[gnu::visibility("default")]] spikesink {

struct QuadraticFormOptions {
  /// An outlier's norm is at least this many medians of its block. On SmolLM2-135M the spike
  /// channel has 10, 14 and 43 of them in the blocks that make and end its spikes, any other
  /// channel at most 8.7.
  double outlier_ratio = 9.0;
  int64_t max_outliers = 8;        // of a block that are looked into, the largest first
  int64_t control_count = 1;       // channels at the median to compare outliers with
  int64_t eigenvalue_count = 32;   // leading eigenvalues that are kept
  int64_t super_weight_count = 3;  // hidden units named for each channel
  /// A channel that is predicted to spike has a larger dominance. Beyond 1 / sqrt(2) the square of
  /// one eigenvalue is more than those of all others together; a single hidden unit whose gate and
  /// up have nothing in common reaches just that.
  double least_dominance = 0.70710678;
};

/// A hidden unit i of channel k and what it gives to lambda* = sum_i W[k, i] (g_i . s*) (p_i . s*).
/// The largest are super weights (arXiv 2411.07191).
struct SuperWeight {
  int64_t row = 0;     // of the down projection: the channel
  int64_t column = 0;  // of the down projection: the hidden unit
  double weight = 0;   // what stands there
  double share = 0;    // of lambda*; all units' sum to one
};

/// One output channel k of a feed-forward as the form x^T S_k x, S_k = (U_k + U_k^T) / 2 (eqs.
/// 15-19). Without a gate only `channel` and `norm` are given.
struct ChannelForm {
  int64_t channel = 0;
  int64_t expert = 0;            // kDense, kShared or the expert's number
  double frobenius_norm = 0;     // ||U_k||_F
  double symmetric_norm = 0;     // ||S_k||_F
  std::vector<double> spectrum;  // of S_k, signed, the largest magnitude first (figure 4)
  /// s*, the first one's eigenvector, [d_model] float64 of length 1. The form does not see its
  /// sign; the activation does: it is the one that opens the gates, sum_i share_i (g_i . s*) >= 0.
  torch::Tensor trigger;
  double dominance = 0;                    // |lambda*| / ||S_k||_F, at most 1
  std::vector<SuperWeight> super_weights;  // the largest shares of lambda*

  static constexpr int64_t kDense = -1, kShared = -2;

  /// lambda*, the eigenvalue of largest magnitude; 0 without a gate.
  double leading_eigenvalue() const { return spectrum.empty() ? 0.0 : spectrum.front(); }
};

/// One feed-forward block. Of a mixture of experts, each channel's norm is the largest over the
/// experts, and its form that expert's; what the router multiplies an output with is at most one
/// and left out.
struct BlockForms {
  Block block;
  bool gated = true;  // else `norms` are ||W_down[k, :]||_2, or those of the one matrix that
                      // there is, and there are no eigenpairs
  bool normed_before = true;  // a norm feeds the block: ||x|| <= sqrt(d_model) there
  bool normed_after = false;  // a norm behind it sets the amplitude anew; its scale is left out
  bool has_biases = false;    // of gate, up or the norm before, or an offset of up: left out
  torch::Tensor norms;        // [d_model] float64: ||U_k||_F (figure 3)
  double median_norm = 0;     // of them
  std::vector<ChannelForm> outliers;  // norm >= outlier_ratio x median, the largest `max_outliers`
                                      // of them, the largest first
  std::vector<ChannelForm> controls;  // channels at the median, if there are outliers
};

struct QuadraticFormResult {
  QuadraticFormOptions options;
  std::vector<BlockForms> blocks;  // the feed-forward blocks, in order

  struct OutlierForm {
    Block block;
    const ChannelForm* form;
  };
  /// The outliers that have a form, in order of blocks; they point into this result.
  std::vector<OutlierForm> outliers() const;
  /// |cos| between the trigger directions of `outliers()`, [n, n] float64.
  torch::Tensor trigger_cosines() const;
  /// Where spikes will rise and fall; see SpikePrediction.
  SpikePrediction prediction() const;
};

/// The feed-forward blocks as directional quadratic amplifiers, from the weights alone (arXiv
/// 2603.05498, section 3, eqs. 15-19, theorem B.2): with the activation taken for the identity,
/// output channel k is x^T U_k x of the normed input x (without the norm's learned scale, which is
/// folded into gate and up). A model without feed-forwards has no blocks here. The model is not
/// changed. Throws std::invalid_argument for an outlier_ratio or spectrum below one, other options
/// below zero, and weights that are not finite.
QuadraticFormResult quadratic_form(const Transformer& model,
                                   const QuadraticFormOptions& options = {},
                                   const ProgressCallback& progress = {});

}  // namespace spikesink
