#include "anatomy/weight_sections.h"

#include <fmt/format.h>

#include <algorithm>

namespace examples {
namespace {

constexpr int64_t kPrefixLength = 4;     // tokens of ordinary text before a vocabulary entry
constexpr int64_t kLaterEntries = 4096;  // vocabulary entries that are probed after the prefix

}  // namespace

void QuadraticFormSection::read_weights(const Experiment& experiment, const Options& options) {
  try {
    forms_ = spikesink::quadratic_form(experiment.model, {},
                                       progress_bar(options, "reading the weights"));
  } catch (const std::invalid_argument& error) {  // weights whose products overflow
    error_ = error.what();
  }
}

void QuadraticFormSection::join_second_run(const Experiment&, TextRun& run) {
  if (in_report() && forms_) run.measure(spikesink::QuadraticFormFit(*forms_), fit_);
}

torch::Tensor QuadraticFormSection::trigger_of(spikesink::Block block) const {
  if (!forms_) return {};
  for (const auto& forms : forms_->blocks) {
    if (forms.block.number == block.number && forms.gated && !forms.outliers.empty())
      return forms.outliers.front().trigger;
  }
  return {};
}

void QuadraticFormSection::add_to(spikesink::Report& report) const {
  if (!forms_) return;
  report.add(*forms_);
  report.add(*fit_);
  report.add(spikesink::compare_prediction(forms_->prediction(), *life_cycle_.result()));
}

void QuadraticFormSection::print_summary() const {
  if (!forms_) {
    fmt::print("from the weights  {}\n", error_);
    return;
  }
  const auto prediction = forms_->prediction();
  fmt::print("from the weights  channels {}; up {}; down {}\n", list(prediction.spike_channels),
             list(prediction.step_up), list(prediction.step_down));
}

void VocabularyProbeSection::finish(Experiment& experiment, const Options& options) {
  const auto& life = *life_cycle_.result();
  const auto birth = life.spike_origin();
  if (!birth) return;
  const auto& state = life.blocks[birth->number - 1].hidden_state;
  spikesink::VocabularyProbeOptions probe{.spike = state.top.front().magnitude,
                                          .trigger = quadratic_form_.trigger_of(*birth)};
  probes_.push_back(
      spikesink::vocabulary_probe(experiment.model, *birth, probe,
                                  progress_bar(options, "every vocabulary entry as first token")));
  const auto& config = experiment.model->config();
  const auto& text = experiment.batches.front().ids;
  const int64_t length = std::min({kPrefixLength, text.size(1), config.context - 1});
  if (length == 0) return;
  for (int64_t position = 0; position < length; ++position)
    probe.prefix.push_back(text[0][position].item<int64_t>());
  const int64_t stride = std::max<int64_t>(1, config.d_vocabulary / kLaterEntries);
  for (int64_t id = 0; id < config.d_vocabulary; id += stride) probe.entries.push_back(id);
  probes_.push_back(spikesink::vocabulary_probe(
      experiment.model, *birth, probe, progress_bar(options, "vocabulary entries after a prefix")));
}

void VocabularyProbeSection::add_to(spikesink::Report& report) const {
  for (const auto& probe : probes_) report.add(probe);
}

void VocabularyProbeSection::print_summary() const {
  for (const auto& probe : probes_) {
    fmt::print("vocabulary        {} of {} entries spike at position {} ({:.2f} %)\n",
               probe.spiking, probe.entries.size(), probe.position, probe.percent());
  }
}

}  // namespace examples
