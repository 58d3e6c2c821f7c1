#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "spikesink/intervene/intervention.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Changes the norm placement of the blocks. To remove a norm, we replace it by division by its
/// median divisor, so that the following weights get inputs of the usual size. An added norm is an
/// RMSNorm without learned scale, with a gain that keeps the median size of its input.
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

/// The location of a norm: before a block, after a block's output, after the residual sum, on
/// queries, on keys, or after the last layer.
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
/// std::invalid_argument for a block that does not exist, a change that the model already has, a
/// norm after the sum in parallel blocks, and only one of two blocks that share a norm.
std::vector<FittedNorm> fit_norms(Transformer& model, const TokenBatch& calibration,
                                  const NormChange& change,
                                  const std::optional<std::vector<Block>>& blocks = {});

/// Runs the same weights with other norms. (Table 5 of the paper trains models with such norms;
/// this intervention shows which norms a trained model depends on.) Added norms have no hook
/// points.
class ChangeNorms : public Intervention {
 public:
  explicit ChangeNorms(std::vector<FittedNorm> norms) : norms_(std::move(norms)) {}

  /// Two changes of one norm conflict.
  HookScope attach(Transformer& model) const override;

  const std::vector<FittedNorm>& norms() const { return norms_; }

 private:
  std::vector<FittedNorm> norms_;
};

}  // namespace spikesink
