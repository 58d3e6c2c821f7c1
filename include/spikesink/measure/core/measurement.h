#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spikesink/distributed/processes.h"
#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/state_scan.h"
#include "spikesink/model/transformer.h"
#include "spikesink/text/token_batches.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What measurements share during one `run`.
class RunContext {
 public:
  /// The batch that is going through the model.
  const TokenBatch& batch() const { return *batch_; }
  /// The scan of a state; measurements that watch the same point share one scan.
  const StateScan& scan(const torch::Tensor& state);

  void set_batch(const TokenBatch& batch) { batch_ = &batch; }

 private:
  const TokenBatch* batch_ = nullptr;
  torch::Tensor scanned_;
  StateScan scan_;
};

/// A question put to a model. It watches hook points and reduces what it sees, inside the hook, to
/// a state whose size does not grow with the number of tokens. Two of a kind `merge`: the result is
/// that of one pass over both texts.
class Measurement {
 public:
  virtual ~Measurement() = default;
  /// Forgets what was measured before and watches `model` for the life of the scope. The
  /// measurement, the model and the context must outlive the scope.
  virtual HookScope attach(Transformer& model, RunContext& context) = 0;

  /// What was measured, as bytes for another process of the same program that measured the same
  /// model with the same options. Throws std::logic_error for a kind that cannot be told.
  virtual std::string serialize() const;
  /// Puts what another process measured in the place of what was measured here, or merges it. Bytes
  /// of another kind, or of another model, throw std::invalid_argument.
  virtual void deserialize(std::string_view bytes);
  virtual void merge_serialized(std::string_view bytes);
};

/// Called again and again with the work done so far and all of it; of a `run`, each layer of each
/// sequence counts as one.
using ProgressCallback = std::function<void(int64_t done, int64_t total)>;

/// A process's part of batches: of all sequences in their order, as many as the others have, or one
/// more or less.
TokenBatches batches_for_rank(const TokenBatches& batches, int64_t rank, int64_t count);

struct RunOptions {
  ProgressCallback progress;
  /// The processes of the job, of which each measures its share of the batches; null: this one
  /// measures all.
  Processes* processes = nullptr;
  /// Runs the layer of this block, and no later one.
  std::optional<Block> stop_after;
};

/// One pass over `batches`, without gradients, for all measurements together. Each starts anew; to
/// add up several runs, merge. Logits are computed only while `unembed.hook_out` has hooks. Batches
/// run one after the other; a model that streams its weights runs all of them through a layer
/// before the next, so a measurement must not assume that the batch is that of the layer before.
///
/// With `processes` the measurements are merged at the end, in the order of the text: every process
/// has the result of one pass over all of it.
///
/// With `stop_after`, LifeCycle, MassiveActivations, AttentionSinks, SelfAttention and SinkGeometry
/// give results for the layers that ran; others list later layers without values; SinksAnywhere,
/// Perplexity and KlDivergence, which need the last layer, are empty. Throws std::invalid_argument
/// for a block that the model does not have.
void run(Transformer& model, const TokenBatches& batches,
         const std::vector<Measurement*>& measurements, const RunOptions& options = {});

}  // namespace spikesink
