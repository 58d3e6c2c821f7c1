#pragma once

#include "anatomy/spike_sections.h"

namespace examples {

/// What the weights predict without text, and how well the text agrees.
class QuadraticFormSection : public Section {
 public:
  QuadraticFormSection(SectionTable& table, LifeCycleSection& life_cycle)
      : Section(table, "quadratic_form"), life_cycle_(life_cycle) {}
  std::vector<Section*> needs() const override { return {&life_cycle_}; }
  /// The trigger direction of the block's largest outlier, or an undefined tensor.
  torch::Tensor trigger_of(spikesink::Block block) const;

  void read_weights(const Experiment& experiment, const Options& options) override;
  void join_second_run(const Experiment& experiment, TextRun& run) override;
  void add_to(spikesink::Report& report) const override;
  void print_summary() const override;

 private:
  LifeCycleSection& life_cycle_;
  std::optional<spikesink::QuadraticFormResult> forms_;
  std::string error_;  // why there are no quadratic forms, or empty
  std::optional<spikesink::QuadraticFormFitResult> fit_;
};

/// Probes every vocabulary entry as the first token, and some of them after a prefix.
class VocabularyProbeSection : public Section {
 public:
  VocabularyProbeSection(SectionTable& table, LifeCycleSection& life_cycle,
                         QuadraticFormSection& quadratic_form)
      : Section(table, "vocabulary_probe"),
        life_cycle_(life_cycle),
        quadratic_form_(quadratic_form) {}
  std::vector<Section*> needs() const override { return {&life_cycle_, &quadratic_form_}; }
  void finish(Experiment& experiment, const Options& options) override;
  void add_to(spikesink::Report& report) const override;
  void print_summary() const override;

 private:
  LifeCycleSection& life_cycle_;
  QuadraticFormSection& quadratic_form_;
  std::vector<spikesink::VocabularyProbeResult> probes_;
};

}  // namespace examples
