#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spikesink/distributed/process_group.h"
#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/state_scan.h"
#include "spikesink/model/transformer.h"
#include "spikesink/text/token_batches.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What all measurements of one `run` share: the current batch, and the scan of the tensor at the
/// current hook point.
class RunContext {
 public:
  /// The current batch.
  const TokenBatch& batch() const { return *batch_; }
  /// Returns the scan of `state`. Measurements at the same hook point share one scan.
  const StateScan& scan(const torch::Tensor& state);

  void set_batch(const TokenBatch& batch) { batch_ = &batch; }

 private:
  const TokenBatch* batch_ = nullptr;
  torch::Tensor scanned_;
  StateScan scan_;
};

/// Base class of all measurements. A measurement adds hooks to the model. Inside the hooks it
/// reduces the activations to statistics whose size does not grow with the number of tokens. Two
/// measurements of the same type can be merged: the result equals one pass over both texts.
class Measurement {
 public:
  virtual ~Measurement() = default;
  /// Clears earlier results and adds hooks to `model`. The hooks are removed when the returned
  /// scope is destroyed. The measurement, the model and the context must outlive the scope.
  virtual HookScope attach(Transformer& model, RunContext& context) = 0;

  /// Serializes the results for another process that runs the same program with the same model and
  /// options. Throws std::logic_error if the measurement is not serializable.
  virtual std::string serialize() const;
  /// `deserialize` replaces the results with those of another process, `merge_serialized` merges
  /// them. Both throw std::invalid_argument for bytes of another measurement type or another model.
  virtual void deserialize(std::string_view bytes);
  virtual void merge_serialized(std::string_view bytes);
};

/// Called repeatedly with the completed work and the total work. In `run`, one unit is one layer of
/// one sequence.
using ProgressCallback = std::function<void(int64_t done, int64_t total)>;

/// Returns the sequences that process `rank` of `count` processes measures. The order is preserved;
/// the numbers of sequences of two processes differ by at most one.
TokenBatches batches_for_rank(const TokenBatches& batches, int64_t rank, int64_t count);

struct RunOptions {
  ProgressCallback progress;
  /// The processes of the job: each measures its share of the batches. Null: this process measures
  /// all batches.
  ProcessGroup* processes = nullptr;
  /// The last block that is needed; the rest of its layer runs too. Empty: the whole model.
  std::optional<Block> stop_after;
};

/// Runs one pass over `batches`, without gradients, for all measurements together. Each measurement
/// is cleared first; use `merge` to combine several runs. Logits are computed only while
/// `unembed.hook_out` has hooks. Batches are processed one by one. A model that streams its weights
/// runs all batches through one layer before the next layer is loaded. Two consecutive hook calls
/// can belong to different batches.
///
/// With `processes`, the measurements are merged at the end, in text order. Every process then has
/// the result of one pass over the whole text.
///
/// With `stop_after`, LifeCycle, MassiveActivations, AttentionSinks, AttentionLocality,
/// SelfAttention, SinkGeometry and SinkKeySpan report only the layers that ran. Other measurements
/// list later layers without values.
/// SinksAnywhere, Perplexity and KlDivergence need the last layer, so their results are empty.
/// Throws std::invalid_argument if the model does not have the block.
void run(Transformer& model, const TokenBatches& batches,
         const std::vector<Measurement*>& measurements, const RunOptions& options = {});

}  // namespace spikesink
