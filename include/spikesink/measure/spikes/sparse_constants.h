#pragma once

#include <array>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_vectors.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

struct SparseConstantsOptions {
  int64_t top = 3;  // number of largest channels that count for `top_share`
};

/// Summaries of the spike tokens and of the ordinary tokens. Zero and non-finite vectors are
/// skipped.
struct TokenGroupSummaries {
  VectorSummary spike;
  VectorSummary ordinary;
};

/// One norm whose input is the residual stream.
struct ResidualStreamNorm {
  std::string name;  // "blocks.3.ln1", "ln_final"
  /// Number (1..2L) of the block after which the norm reads the residual stream; 0: before the
  /// first block.
  int64_t after_block = 0;
  TokenGroupSummaries before;  // input of the norm
  TokenGroupSummaries after;   // output `hook_normalized`, before the learned scale
};

struct SparseConstantsResult {
  SparseConstantsOptions options;
  int64_t d_model = 0;
  std::vector<ResidualStreamNorm> norms;  // in the order of the forward pass
};

/// Measures how the norms turn the hidden states of spike tokens into vectors that are sparse and
/// nearly the same for all spike tokens (figure 5, eqs. 23 to 25 and theorem B.3 of arXiv
/// 2603.05498). It compares spike tokens and ordinary tokens before and after every norm whose
/// input is the residual stream: `ln1`, `ln2` and `ln_final`, if they exist. In a post-norm model
/// the input is residual + block output. Norms of a block's output are not included. After a norm,
/// |x| <= sqrt(d_model) (eq. 23). Memory per norm: 8 vectors [d_model], that is, 2 sums before and
/// after the norm for each of the two token groups.
class SparseConstants : public Mergeable<SparseConstants> {
 public:
  /// `spike_positions`: the spike tokens of the text that will be measured (`SpikeTokens` finds
  /// them).
  explicit SparseConstants(SpikePositions spike_positions, SparseConstantsOptions options = {})
      : spike_positions_(std::move(spike_positions)), options_(options) {}

  /// Throws std::invalid_argument if `top` < 1.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the norms or the options differ.
  void merge(const SparseConstants& other);
  SparseConstantsResult result() const;

 private:
  friend class Mergeable<SparseConstants>;
  auto fields() { return std::tie(norms_); }

  using Groups = std::array<RunningVectorSummary, 2>;  // ordinary, spike
  struct NormSums {
    std::string name;
    int64_t after_block = 0;
    Groups before, after;

    auto fields() { return std::tie(name, after_block, before, after); }
  };

  SpikePositions spike_positions_;
  SparseConstantsOptions options_;
  int64_t d_model_ = 0;
  std::vector<NormSums> norms_;
};

}  // namespace spikesink
