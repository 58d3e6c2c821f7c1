#pragma once

#include <tuple>
#include <vector>

#include "spikesink/measure/core/per_batch.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The sequences whose first massive activation appears after this layer.
struct MassiveOnsetLayer {
  int64_t layer = 0;
  int64_t sequences = 0;
  std::vector<MassiveChannel> channels;  // massive values after this layer; most frequent first
};

struct MassiveOnsetResult {
  MassiveActivationsOptions options;
  std::vector<MassiveOnsetLayer> layers;  // in order
  /// For each sequence, the tokens that are massive after the sequence's onset layer.
  SpikePositions spike_positions;
};

/// Finds for each sequence the onset layer (the first layer with a massive activation) and the
/// massive channels and tokens after it. `onset_protocol` uses the result as its calibration.
/// Memory grows with the number of spike tokens.
class MassiveOnset : public Mergeable<MassiveOnset> {
 public:
  explicit MassiveOnset(MassiveActivationsOptions options = {}) : options_(options) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the options differ.
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
  /// Onset layer of each sequence of the batch; -1: not yet.
  PerBatch<std::vector<int64_t>> first_;
};

}  // namespace spikesink
