#include "spikesink/intervene/compare_interventions.h"

#include <algorithm>

#include "spikesink/measure/practice/kl_divergence.h"

namespace spikesink {
namespace {

// The measurements under one intervention, on one batch or on all batches so far.
struct Row {
  explicit Row(int64_t next) : next_key(next), sinks({.keys = {0, next}}) {}

  int64_t next_key;
  Perplexity perplexity;
  AttentionSinks sinks;
  LifeCycle life;
  RunningMean divergence;

  void merge(const Row& other) {
    perplexity.merge(other.perplexity);
    sinks.merge(other.sinks);
    life.merge(other.life);
    divergence.merge(other.divergence);
  }

  InterventionResult result(const std::string& name, uint64_t seed) const {
    InterventionResult result{.name = name,
                              .perplexity = perplexity.result(),
                              .sinks = sinks.result(),
                              .next_key = next_key};
    result.interval = result.perplexity.interval(seed);
    result.divergence = divergence;
    const auto cycle = life.result();
    result.not_finite = cycle.not_finite();
    if (const auto* block = cycle.block_of_largest_state()) {
      result.spike = block->hidden_state.top.front();
      result.spike_block = block->block;
      result.spike_median = block->hidden_state.median;
    }
    return result;
  }
};

Row measure(Transformer& model, const TokenBatch& text, const NamedInterventions& intervention,
            const FinalStates& clean) {
  auto batch = text;
  for (const auto& one : intervention.interventions)
    batch = with_prefix(batch, one->prefix_tokens());
  HookScope scope;
  for (const auto& one : intervention.interventions) scope += one->attach_for_batch(model, batch);
  Row row(std::max<int64_t>(batch.prefix_length, 1));
  KlDivergence divergence(clean);
  run(model, {batch}, {&row.perplexity, &row.sinks, &row.life, &divergence});
  row.divergence = divergence.result();
  return row;
}

Row measure_clean(Transformer& model, const TokenBatch& batch, FinalStates& states) {
  Row row(std::max<int64_t>(batch.prefix_length, 1));
  run(model, {batch}, {&row.perplexity, &row.sinks, &row.life, &states});
  return row;
}

std::vector<FittedNorm> norms_of(const NamedInterventions& intervention) {
  std::vector<FittedNorm> norms;
  for (const auto& one : intervention.interventions) {
    const auto* change = dynamic_cast<const ChangeNorms*>(one.get());
    if (change) norms.insert(norms.end(), change->norms().begin(), change->norms().end());
  }
  return norms;
}

}  // namespace

std::vector<InterventionResult> compare_interventions(
    Transformer& model, const TokenBatches& batches,
    const std::vector<NamedInterventions>& interventions, uint64_t seed,
    const ProgressCallback& progress) {
  std::vector<Row> rows;
  const auto passes = static_cast<int64_t>(interventions.size()) + 1;
  const int64_t total = passes * static_cast<int64_t>(batches.size());
  int64_t done = 0;
  const auto add = [&](size_t index, Row row) {
    if (index < rows.size()) {
      rows[index].merge(row);
    } else {
      rows.push_back(std::move(row));
    }
    if (progress) progress(++done, total);
  };
  for (const auto& batch : batches) {
    FinalStates clean;
    add(0, measure_clean(model, batch, clean));
    for (size_t index = 0; index < interventions.size(); ++index)
      add(index + 1, measure(model, batch, interventions[index], clean));
  }
  std::vector<InterventionResult> results;
  for (size_t index = 0; index < rows.size(); ++index) {
    results.push_back(
        rows[index].result(index == 0 ? "clean" : interventions[index - 1].name, seed));
    if (index > 0) results.back().norms = norms_of(interventions[index - 1]);
  }
  return results;
}

}  // namespace spikesink
