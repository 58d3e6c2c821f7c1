#pragma once

#include "anatomy/section.h"

namespace examples {

class LifeCycleSection : public FirstRunSection<spikesink::LifeCycle> {
 public:
  explicit LifeCycleSection(SectionTable& table);
  void print_summary() const override;
};

/// Which tokens spike, how much of their attention they pay to themselves, and what the first norm
/// makes of their embeddings.
class SpikeTokensSection : public FirstRunSection<spikesink::SpikeTokens> {
 public:
  explicit SpikeTokensSection(SectionTable& table);
  /// The positions of the spike tokens in the text.
  const spikesink::SpikePositions& positions() const { return result()->spike_positions; }

  void join_second_run(const Experiment& experiment, TextRun& run) override;
  void finish(Experiment& experiment, const Options& options) override;
  void add_to(spikesink::Report& report) const override;
  void print_summary() const override;

 private:
  std::optional<spikesink::SelfAttentionResult> self_attention_;
  std::optional<spikesink::FirstNormResult> first_norm_;
};

/// Cosines of the spike tokens around the block that creates the largest spike. The section exists
/// only if there is such a block.
class SpikeCosinesSection : public SecondRunSection<spikesink::SpikeCosines> {
 public:
  SpikeCosinesSection(SectionTable& table, LifeCycleSection& life_cycle,
                      SpikeTokensSection& spike_tokens);
  void join_second_run(const Experiment& experiment, TextRun& run) override;

 private:
  LifeCycleSection& life_cycle_;
};

/// A figure of the largest state.
class StatePictureSection : public Section {
 public:
  StatePictureSection(SectionTable& table, LifeCycleSection& life_cycle)
      : Section(table, "state_picture"), life_cycle_(life_cycle) {}
  std::vector<Section*> needs() const override { return {&life_cycle_}; }
  void finish(Experiment& experiment, const Options& options) override;
  void add_to(spikesink::Report& report) const override;

 private:
  LifeCycleSection& life_cycle_;
  std::optional<spikesink::StatePicture> picture_;
};

/// Hook points with NaN or infinite values. The section exists only if there are any.
class NotFiniteSection : public Section {
 public:
  NotFiniteSection(SectionTable& table, LifeCycleSection& life_cycle)
      : Section(table, "not_finite"), life_cycle_(life_cycle) {}
  bool selectable() const override { return false; }
  std::vector<Section*> needs() const override { return {&life_cycle_}; }
  void join_second_run(const Experiment& experiment, TextRun& run) override;
  void add_to(spikesink::Report& report) const override;
  void print_summary() const override;

 private:
  LifeCycleSection& life_cycle_;
  std::optional<spikesink::NotFiniteResult> result_;
};

}  // namespace examples
