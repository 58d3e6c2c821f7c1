#include "anatomy/anatomy.h"

namespace examples {

void add_findings(spikesink::Report& report, const Findings& findings, const Sections& sections,
                  const Experiment& experiment) {
  const auto add = [&](const auto& result, std::string_view name) {
    if (result && sections.wants(name)) report.add(*result);
  };
  add(findings.life, "life_cycle");
  add(findings.forms, "quadratic_form");
  add(findings.fit, "quadratic_form");
  if (findings.forms && sections.wants("quadratic_form"))
    report.add(findings.forms->prediction(), *findings.life);
  add(findings.massive, "massive_activations");
  if (findings.tokens && sections.wants("spike_tokens"))
    report.add(*findings.tokens, spikesink::norm_collinearity(experiment.model));
  add(findings.self_attention, "spike_tokens");
  add(findings.gates, "gate_linearity");
  for (const auto& probe : findings.probes) report.add(probe);
  add(findings.constants, "sparse_constants");
  add(findings.geometry, "sink_geometry");
  add(findings.sinks, "attention_sinks");
  add(findings.sinks_anywhere, "sinks_anywhere");
  add(findings.quantisation, "quantisation");
  add(findings.cache, "kv_cache");
  add(findings.perplexity, "perplexity");
  add(findings.picture, "state_picture");
  if (!findings.not_finite.empty()) report.add(findings.not_finite);
}

}  // namespace examples
