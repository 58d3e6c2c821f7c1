#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "spikesink/intervene/intervention.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Changes the norm placement of the blocks. A removed norm is replaced by a division by a
/// constant: the median of its divisors. So the following weights get inputs of about the same size
/// as before. An added norm is gain * RMSNorm(x), without learned scale. The gain is the median RMS
/// of x, so the output has about the same size as x.
struct SetNormPlacement {
  NormPlacement placement;
};
/// Replaces every norm of the blocks by gain * tanh(alpha x), times its learned scale (arXiv
/// 2503.10622). If all blocks are selected, the final norm is replaced too. A LayerNorm still
/// subtracts the mean.
struct UseDynamicTanh {};
/// Adds a norm of queries and keys per head, or replaces existing ones by constant divisors.
struct SetQkNorm {
  bool enabled;
};
using NormChange = std::variant<SetNormPlacement, UseDynamicTanh, SetQkNorm>;

/// The location of a norm: before a block, after a block's output, after its sum with the residual
/// stream, on queries, on keys, or after the last layer.
enum class NormSite { kInput, kOutput, kSum, kQuery, kKey, kFinal };
/// Returns "front", "output", ...
const char* to_string(NormSite site);

/// The replacement of one norm, and its fitted values, which the weights do not contain.
struct FittedNorm {
  Block block{0};  // 0 for the final norm
  NormSite site = NormSite::kInput;
  /// kRmsNorm for an added norm, kFixedDivisor for a removed one, or kDynamicTanh.
  NormKind kind = NormKind::kRmsNorm;
  double alpha = 1;  // for kFixedDivisor and kDynamicTanh
  double gain = 1;   // for kRmsNorm and kDynamicTanh
  /// RMS of (new - old) divided by RMS of old, over the calibration batch.
  double error = 0;
};

/// Fits the replacement norms on a batch that runs through the unchanged model: medians over its
/// tokens, and alpha by least squares over at most 1024 tokens. `blocks`: nullopt means all. Throws
/// std::invalid_argument if a block does not exist, if the model already has this placement or
/// QK-norm, if a norm after the sum is asked for parallel blocks, or if `blocks` contains only one
/// of two blocks that share a norm.
std::vector<FittedNorm> fit_norms(Transformer& model, const TokenBatch& calibration,
                                  const NormChange& change,
                                  const std::optional<std::vector<Block>>& blocks = {});

/// Runs the same weights with other norms. (Table 5 of arXiv 2603.05498 trains models with such
/// norms; this intervention shows which norms a trained model depends on.) Added norms have no hook
/// points.
class ChangeNorms : public Intervention {
 public:
  explicit ChangeNorms(std::vector<FittedNorm> norms) : norms_(std::move(norms)) {}

  /// Throws std::invalid_argument if another active ChangeNorms replaces the same norm.
  HookScope attach(Transformer& model) const override;

  const std::vector<FittedNorm>& norms() const { return norms_; }

 private:
  std::vector<FittedNorm> norms_;
};

}  // namespace spikesink
