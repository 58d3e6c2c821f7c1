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
  int64_t top = 3;  // channels of a token whose share of its energy is taken: its largest
};

/// The tokens of both kinds; a vector that is zero or not finite is left out.
struct TokenGroupSummaries {
  VectorSummary spike;
  VectorSummary ordinary;
};

/// One norm that reads the stream.
struct ResidualStreamNorm {
  std::string name;         // "blocks.3.ln1", "ln_final"
  int64_t after_block = 0;  // 1..2L, the block after which it reads the stream; 0: before the first
  TokenGroupSummaries before;  // what it reads
  TokenGroupSummaries after;   // `hook_normalized`, before the learned scale
};

struct SparseConstantsResult {
  SparseConstantsOptions options;
  int64_t d_model = 0;
  std::vector<ResidualStreamNorm> norms;  // in the order of the stream
};

/// How norms turn spikes into sparse constants (the paper's figure 5, eqs. 23 to 25, theorem B.3):
/// the spike tokens before and after every norm that reads the stream, ordinary tokens as control.
/// These are the layers' norms `ln1` and `ln2` and `ln_final`, as far as a model has them; a
/// post-norm model's read the sum of stream and block. Norms of a block's output are not among
/// them. After a norm no |x| exceeds sqrt(d_model) (eq. 23). The state is two vectors [d_model] for
/// each norm, side and group.
class SparseConstants : public Mergeable<SparseConstants> {
 public:
  /// `spike_positions` are those of the text that will be measured.
  explicit SparseConstants(SpikePositions spike_positions, SparseConstantsOptions options = {})
      : spike_positions_(std::move(spike_positions)), options_(options) {}

  /// Throws std::invalid_argument for a `top` below 1.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured other norms or by other options.
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
