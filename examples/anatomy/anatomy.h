#pragma once

#include "anatomy/sink_sections.h"
#include "anatomy/spike_sections.h"
#include "anatomy/weight_sections.h"

namespace examples {

class PerplexitySection : public FirstRunSection<spikesink::Perplexity> {
 public:
  explicit PerplexitySection(SectionTable& table);
  void join_first_run(const Experiment& experiment, TextRun& run) override;
  void print_summary() const override;
};

/// The sections of the report, in the order of report.json. The constructor of each section gets
/// the sections whose results it uses.
class Anatomy {
 public:
  /// The sections that --only and --skip may name.
  std::vector<std::string> names() const;
  /// Selects the sections in `only` (all if it is empty), except those in `skip`.
  void select(const std::vector<std::string>& only, const std::vector<std::string>& skip);
  /// Reads the weights, runs over the text twice and finishes every section that measures.
  void measure(Experiment& experiment, const Options& options);
  void add_to(spikesink::Report& report) const;
  void print_summary() const;

 private:
  SectionTable table_;
  LifeCycleSection life_cycle_{table_};
  QuadraticFormSection quadratic_form_{table_, life_cycle_};
  FirstRunSection<spikesink::MassiveActivations> massive_activations_{
      table_, "massive_activations", [](auto&) { return spikesink::MassiveActivations(); }};
  SpikeTokensSection spike_tokens_{table_};
  SecondRunSection<spikesink::StateNorms> state_norms_{
      table_,
      "state_norms",
      [this](auto&) { return spikesink::StateNorms(spike_tokens_.positions()); },
      {&spike_tokens_}};
  SecondRunSection<spikesink::GateLinearity> gate_linearity_{
      table_,
      "gate_linearity",
      [this](auto&) { return spikesink::GateLinearity(spike_tokens_.positions()); },
      {&spike_tokens_}};
  VocabularyProbeSection vocabulary_probe_{table_, life_cycle_, quadratic_form_};
  SecondRunSection<spikesink::SparseConstants> sparse_constants_{
      table_,
      "sparse_constants",
      [this](auto&) { return spikesink::SparseConstants(spike_tokens_.positions()); },
      {&spike_tokens_}};
  SpikeCosinesSection spike_cosines_{table_, life_cycle_, spike_tokens_};
  SinkGeometrySection sink_geometry_{table_, attention_sinks_};
  SecondRunSection<spikesink::SinkKeySpan> sink_key_span_{
      table_,
      "sink_key_span",
      [this](const Experiment& experiment) {
        return spikesink::SinkKeySpan({.channels = life_cycle_.result()->spike_channels,
                                       .sinks = {.positions = sink_positions(experiment)}});
      },
      {&life_cycle_}};
  AttentionSinksSection attention_sinks_{table_};
  FirstRunSection<spikesink::EffectiveSinks> effective_sinks_{
      table_, "effective_sinks", [](const Experiment& experiment) {
        return spikesink::EffectiveSinks({.sinks = {.positions = sink_positions(experiment)}});
      }};
  FirstRunSection<spikesink::SinksAnywhere> sinks_anywhere_{
      table_, "sinks_anywhere", [](auto&) { return spikesink::SinksAnywhere(); }};
  FirstRunSection<spikesink::AttentionLocality> attention_locality_{
      table_, "attention_locality", [](const Experiment& experiment) {
        return spikesink::AttentionLocality(
            {.common_sinks = {.positions = sink_positions(experiment)}});
      }};
  SecondRunSection<spikesink::Quantisation> quantisation_{
      table_,
      "quantisation",
      [this](auto&) { return spikesink::Quantisation(spike_tokens_.positions()); },
      {&spike_tokens_}};
  KvCacheSection kv_cache_{table_, sinks_anywhere_, spike_tokens_};
  PerplexitySection perplexity_{table_};
  StatePictureSection state_picture_{table_, life_cycle_};
  NotFiniteSection not_finite_{table_, life_cycle_};
};

}  // namespace examples
