#include "anatomy/anatomy.h"

#include <fmt/format.h>

#include <algorithm>

namespace examples {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

PerplexitySection::PerplexitySection(SectionTable& table)
    : FirstRunSection(table, "perplexity", [](auto&) { return spikesink::Perplexity(); }) {}

void PerplexitySection::join_first_run(const Experiment& experiment, TextRun& run) {
  if (experiment.model->config().is_causal_lm()) measure(experiment, run);
}

void PerplexitySection::print_summary() const {
  if (!result() || result()->tokens == 0) return;  // no token has a preceding token
  fmt::print("perplexity        {:.2f} over {} tokens\n", result()->perplexity, result()->tokens);
}

std::vector<std::string> Anatomy::names() const {
  std::vector<std::string> names;
  for (const auto* section : table_) {
    if (section->selectable()) names.push_back(hyphenated(std::string(section->name())));
  }
  return names;
}

void Anatomy::select(const std::vector<std::string>& only, const std::vector<std::string>& skip) {
  for (auto* section : table_) {
    const auto name = hyphenated(std::string(section->name()));
    const bool wanted = only.empty() || contains(only, name);
    if (!section->selectable() || (wanted && !contains(skip, name))) section->select();
  }
}

void Anatomy::measure(Experiment& experiment, const Options& options) {
  SectionTable measuring;
  std::copy_if(table_.begin(), table_.end(), std::back_inserter(measuring),
               [](const auto* section) { return section->measures(); });
  for (auto* section : measuring) section->read_weights(experiment, options);
  TextRun first, second;
  for (auto* section : measuring) section->join_first_run(experiment, first);
  first.execute(experiment, options, "finding spikes and sinks");
  for (auto* section : measuring) section->join_second_run(experiment, second);
  second.execute(experiment, options, "measuring the spikes and sinks");
  if (!experiment.is_first()) return;
  for (auto* section : measuring) section->finish(experiment, options);
}

void Anatomy::add_to(spikesink::Report& report) const {
  for (const auto* section : table_) {
    if (section->in_report()) section->add_to(report);
  }
}

void Anatomy::print_summary() const {
  if (quadratic_form_.measures()) quadratic_form_.print_summary();  // needs no text
  for (const auto* section : table_) {
    if (section->measures() && section != &quadratic_form_) section->print_summary();
  }
}

}  // namespace examples
