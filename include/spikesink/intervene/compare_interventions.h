#pragma once

#include <string>
#include <utility>
#include <vector>

#include "spikesink/intervene/norm_placement.h"
#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/spikes/life_cycle.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Several interventions under one name; none: the model as it is.
struct NamedIntervention {
  std::string name;
  std::vector<std::shared_ptr<const Intervention>> interventions;  // attached in this order
};

/// What a model does under an intervention.
struct InterventionResult {
  std::string name;
  PerplexityResult perplexity;
  std::pair<double, double> interval;  // of the perplexity, 95 %: PerplexityResult::interval
  AttentionSinksResult sinks;          // at key 0 and `next_key`
  int64_t next_key = 1;                // where a sink may go: key 1, or the text's first token
  ChannelPeak spike;                   // the largest |h| of the states after all blocks ...
  Block spike_block{0};                // ... and the block after which it stands; 0: none is finite
  double spike_median = 0;             // median of |h| of that state
  int64_t not_finite = 0;              // values of states and outputs that are NaN or infinite
  RunningMean divergence;              // nats from the clean model: see KlDivergence
  std::vector<FittedNorm> norms;       // what its changes of norms had to guess
};

/// Measures the model as it is ("clean", the first result) and under each intervention, over the
/// same batches, which a prefix may precede. One batch goes through all of them before the next, so
/// that what is kept of the clean model does not grow with the text. `seed` is of the intervals.
/// Throws std::invalid_argument for a model that does not predict the next token, and what
/// attaching the interventions throws.
std::vector<InterventionResult> compare_interventions(
    Transformer& model, const TokenBatches& batches,
    const std::vector<NamedIntervention>& interventions, uint64_t seed = 0,
    const ProgressCallback& progress = {});

}  // namespace spikesink
