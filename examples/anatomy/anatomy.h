#pragma once

#include <optional>

#include "anatomy/sections.h"
#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace examples {

/// What was found, as far as it was asked for or is needed for something else.
struct Findings {
  std::optional<spikesink::QuadraticFormResult> forms;
  std::string note;  // why there are none, or nothing
  std::optional<spikesink::LifeCycleResult> life;
  std::optional<spikesink::MassiveActivationsResult> massive;
  std::optional<spikesink::SpikeTokensResult> tokens;
  std::optional<spikesink::AttentionSinksResult> sinks;
  std::optional<spikesink::SinksAnywhereResult> sinks_anywhere;
  std::optional<spikesink::PerplexityResult> perplexity;
  std::vector<spikesink::NotFiniteValues> not_finite;
  std::optional<spikesink::GateLinearityResult> gates;
  std::optional<spikesink::SparseConstantsResult> constants;
  std::optional<spikesink::SelfAttentionResult> self_attention;
  std::optional<spikesink::FormFitResult> fit;
  std::optional<spikesink::QuantisationResult> quantisation;
  std::optional<spikesink::CacheKeepResult> cache;
  std::optional<spikesink::SinkGeometry> geometry;
  std::vector<spikesink::VocabularyProbeResult> probes;  // as first token, then after a prefix
  std::optional<spikesink::StatePicture> picture;
};

/// Runs what the sections need: the weights alone, one pass that finds the spikes and sinks,
/// another that looks at what was found, and the vocabulary.
Findings find(Experiment& experiment, const Options& options, const Sections& sections);

/// Puts the wanted sections into a report.
void add_findings(spikesink::Report& report, const Findings& findings, const Sections& sections,
                  const Experiment& experiment);

/// The summary on the terminal.
void tell(const Findings& findings);

}  // namespace examples
