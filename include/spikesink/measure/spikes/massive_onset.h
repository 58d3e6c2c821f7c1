#pragma once

#include <tuple>
#include <vector>

#include "spikesink/measure/core/per_batch.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Of the sequences that are massive after this layer first.
struct MassiveOnsetLayer {
  int64_t layer = 0;
  int64_t sequences = 0;
  std::vector<MassiveChannel> channels;  // of their values there; most frequent first
};

struct MassiveOnsetResult {
  MassiveActivationsOptions options;
  std::vector<MassiveOnsetLayer> layers;  // in order
  SpikePositions spike_positions;         // each sequence's tokens that are massive after its own
};

/// Each sequence's own first layer after which anything is massive, and what is massive there: what
/// the protocol `refine` calibrates on. The places grow with the text, by spike tokens.
class MassiveOnset : public Mergeable<MassiveOnset> {
 public:
  explicit MassiveOnset(MassiveActivationsOptions options = {}) : options_(options) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured by other options.
  void merge(const MassiveOnset& other);
  MassiveOnsetResult result() const;

 private:
  friend class Mergeable<MassiveOnset>;
  auto fields() { return std::tie(layers_, positions_); }

  struct Tally {
    int64_t sequences = 0;
    FlatMap<int64_t, MassiveChannel> channels;

    auto fields() { return std::tie(sequences, channels); }
  };
  void add(int64_t layer, const StateScan& scan, const TokenBatch& batch);

  MassiveActivationsOptions options_;
  std::map<int64_t, Tally> layers_;
  std::vector<TokenPosition> positions_;
  PerBatch<std::vector<int64_t>> first_;  // of the batch's sequences; -1: not yet
};

}  // namespace spikesink
