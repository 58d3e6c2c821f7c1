#pragma once

#include <memory>
#include <string>
#include <vector>

#include "measure/measured_model.h"
#include "spikesink/spikesink.h"

namespace spikesink {

inline constexpr MassiveActivationsOptions kLowThresholds{.least_magnitude = 1.5, .least_ratio = 2};

/// All measurements that can be merged, with thresholds low enough for a small random model.
struct AllMeasurements {
  SpikePositions spike_positions{{{0, 1}, {2, 3}, {3, 0}, {5, 7}}};
  QuadraticFormResult forms;
  LifeCycle life;
  MassiveActivations massive{kLowThresholds};
  MassiveOnset first{kLowThresholds};
  SpikeTokens tokens{{.massive = kLowThresholds}};
  AttentionSinks sinks{{.epsilon = 0.1, .keys = {0, 2}}};
  SinksAnywhere anywhere{{.epsilon = 0.1}};
  Perplexity perplexity;
  NotFinite not_finite;
  GateLinearity gates{spike_positions};
  SparseConstants constants{spike_positions};
  SelfAttention self{spike_positions, {.delimiters = {3, 5}}};
  SinkGeometry geometry;
  SinkKeySpan span{{.channels = {3, 9}}};
  AttentionLocality locality{{.epsilon = 0.1}};
  EffectiveSinks effective;
  Quantisation quantisation{spike_positions};
  Kurtosis kurtosis;
  StateNorms norms{spike_positions};
  SpikeCosines cosines{spike_positions, Block{2}};
  QuadraticFormFit fit;

  explicit AllMeasurements(Transformer& model)
      : forms(quadratic_form(model, {.outlier_deviations = 0.5})), fit(forms) {}
  std::vector<Measurement*> list() {
    return {&life,         &massive,  &first,     &tokens,  &sinks,    &anywhere, &perplexity,
            &not_finite,   &gates,    &constants, &self,    &geometry, &span,     &locality,
            &quantisation, &kurtosis, &norms,     &cosines, &fit,      &effective};
  }
  std::vector<std::string> states() {
    std::vector<std::string> all;
    for (const auto* measurement : list()) all.push_back(measurement->serialize());
    return all;
  }
};

/// A small model that all of them measure.
struct AllMeasurementsTest : MeasuredModel {
  // Of the sequences first <= i < last.
  std::unique_ptr<AllMeasurements> measured(int64_t first, int64_t last, int64_t rows_together) {
    auto part = token_batches(rows(first, last), rows_together * kLength);
    for (auto& batch : part) batch.first_sequence += first;
    auto all = std::make_unique<AllMeasurements>(model);
    run(model, part, all->list());
    return all;
  }
};

}  // namespace spikesink
