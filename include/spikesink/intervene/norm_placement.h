#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "spikesink/intervene/intervention.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Blocks have their norms where this placement has them. A norm that has to go is frozen: it
/// divides by the same number for all tokens, so that the weights behind it still get what they
/// are used to. One that has to come is an RMSNorm without learned scale, whose results are as
/// large as what it norms usually is.
struct SetNormPlacement {
  NormPlacement placement;
};
/// Every norm of the blocks becomes gain * tanh(alpha x), times its learned scale (arXiv
/// 2503.10622); of all blocks: the final one as well. A LayerNorm goes on taking the mean away.
struct UseDynamicTanh {};
/// Queries and keys are normed, head by head, or their norms are frozen.
struct SetQkNorm {
  bool enabled;
};
using NormChange = std::variant<SetNormPlacement, UseDynamicTanh, SetQkNorm>;

enum class NormSite { kFront, kOutput, kSum, kQuery, kKey, kFinal };
/// "front", "output", ...
const char* to_string(NormSite site);

/// What takes the place of one norm, and what had to be guessed for that: the weights do not say.
struct FittedNorm {
  Block block{0};  // 0: the final norm's
  NormSite site = NormSite::kFront;
  NormKind kind = NormKind::kRms;  // kRms where there was none, kFixedDivisor, or kDynamicTanh
  double alpha = 1;                // of kFixedDivisor and kDynamicTanh
  double gain = 1;                 // of kRms and kDynamicTanh
  double error = 0;  // root mean square of new - old over that of old, on the calibration batch
};

/// Fits a change of norms on what a batch shows in the model as it is: medians over its tokens,
/// and alpha by least squares over at most 1024 of them. `blocks`: none means all. Throws
/// std::invalid_argument for blocks that the model does not have, for a change to what is there
/// already, for a sum's norm in parallel blocks, and for one of two blocks that share a norm.
std::vector<FittedNorm> fit_norms(Transformer& model, const TokenBatch& calibration,
                                  const NormChange& change,
                                  const std::optional<std::vector<Block>>& blocks = {});

/// The same weights under other norms. (The paper's table 5 trains such models; this asks what a
/// trained one depends on.) Norms that come have no hook points of their own.
class ChangeNorms : public Intervention {
 public:
  explicit ChangeNorms(std::vector<FittedNorm> norms) : norms_(std::move(norms)) {}

  /// Two changes of one norm contradict each other.
  HookScope attach(Transformer& model) const override;

  const std::vector<FittedNorm>& norms() const { return norms_; }

 private:
  std::vector<FittedNorm> norms_;
};

}  // namespace spikesink
