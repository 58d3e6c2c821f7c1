#include "anatomy/sink_sections.h"

#include <fmt/format.h>

namespace examples {

std::vector<int64_t> sink_positions(const Experiment& experiment) {
  if (experiment.model->config().causal) return {0};
  return {0, -1};
}

AttentionSinksSection::AttentionSinksSection(SectionTable& table)
    : FirstRunSection(table, "attention_sinks", [](const Experiment& experiment) {
        return spikesink::AttentionSinks({.keys = sink_positions(experiment)});
      }) {}

void AttentionSinksSection::print_summary() const {
  using spikesink::SinkDefinition;
  const auto& sinks = *result();
  fmt::print("sink ratio        {:.1f} % ({}, first {} tokens, epsilon {})\n",
             sinks.sink_ratio_percent(SinkDefinition::kPaper), to_string(SinkDefinition::kPaper),
             sinks.options.paper_length, sinks.options.epsilon);
  for (const auto& [key, sequences, tokens] : sinks.keys) {
    fmt::print("sink ratio        {:.1f} % ({}, {}, epsilon {})\n",
               sinks.sink_ratio_percent(SinkDefinition::kGu, key), to_string(SinkDefinition::kGu),
               key < 0 ? "last key" : fmt::format("key {}", key), sinks.options.epsilon);
    fmt::print("sink heads        {} of {}\n", sinks.sink_heads(key).size(),
               sinks.heads.size() / sinks.keys.size());
  }
  if (sinks.learned.empty()) return;
  double mass = 0;
  for (const auto& head : sinks.learned)
    mass += head.mass / static_cast<double>(sinks.learned.size());
  fmt::print("learned sinks     take {:.1f} % of the attention\n", 100 * mass);
}

void SinkGeometrySection::join_second_run(const Experiment& experiment, TextRun& run) {
  if (!in_report()) return;
  run.measure(spikesink::SinkGeometry({.sinks = {.positions = sink_positions(experiment)}}),
              heads_);
}

void SinkGeometrySection::finish(Experiment& experiment, const Options& options) {
  if (!in_report()) return;
  geometry_.result = *heads_;
  if (heads_->heads.empty()) return;
  const auto positions = sink_positions(experiment);
  const auto& sinks = *attention_sinks_.result();
  for (const auto distance : {spikesink::QkDistance::kEuclidean, spikesink::QkDistance::kCosine})
    geometry_.agreements.emplace_back(
        distance, spikesink::sink_head_agreement(geometry_.result, sinks, distance, positions));
  geometry_.pictures = spikesink::head_pictures(experiment.model, {experiment.batches.front()},
                                                sinks, {.positions = positions},
                                                progress_bar(options, "drawing two heads"));
}

void SinkGeometrySection::add_to(spikesink::Report& report) const {
  report.add(geometry_);
}

void KvCacheSection::add_to(spikesink::Report& report) const {
  report.add(spikesink::kv_cache_keep(*sinks_anywhere_.result(), *spike_tokens_.result()));
}

}  // namespace examples
