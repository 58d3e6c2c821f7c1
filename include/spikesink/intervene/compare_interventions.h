#pragma once

#include <string>
#include <utility>
#include <vector>

#include "spikesink/intervene/norm_placement.h"
#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/spikes/life_cycle.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Interventions that are applied together, under one name. An empty list is the clean model.
struct NamedInterventions {
  std::string name;
  std::vector<std::shared_ptr<const Intervention>> interventions;  // attached in this order
};

/// The measurements of a model under one NamedInterventions.
struct InterventionResult {
  std::string name;
  PerplexityResult perplexity;
  /// 95 % confidence interval of the perplexity: PerplexityResult::interval.
  std::pair<double, double> interval;
  AttentionSinksResult sinks;  // at key 0 and `next_key`
  /// The key where a removed sink may reappear: key 1, or the first token of the text after a
  /// prefix.
  int64_t next_key = 1;
  ChannelPeak spike;              // the largest |h| of all hidden states
  Block spike_block{0};           // the block before this hidden state; 0: no finite value
  double spike_median = 0;        // median |h| of this hidden state
  int64_t not_finite = 0;         // NaN and infinite values in hidden states and block outputs
  RunningMean divergence;         // from the clean model, in nats: KlDivergence
  std::vector<FittedNorm> norms;  // the norms that ChangeNorms replaced
};

/// Measures the unchanged model ("clean", the first result) and the model under each intervention,
/// over the same batches (with the prefix of the intervention, if any). For each batch, the clean
/// model and all interventions run before the next batch starts. So the final hidden states of the
/// clean model are stored for one batch only. `seed` seeds the confidence intervals. Throws
/// std::invalid_argument for a model that is not a causal language model.
/// `Intervention::attach_for_batch` can throw too.
std::vector<InterventionResult> compare_interventions(
    Transformer& model, const TokenBatches& batches,
    const std::vector<NamedInterventions>& interventions, uint64_t seed = 0,
    const ProgressCallback& progress = {});

}  // namespace spikesink
