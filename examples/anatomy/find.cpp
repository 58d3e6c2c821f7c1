#include <algorithm>

#include "anatomy/anatomy.h"

namespace examples {
namespace {

constexpr int64_t kPrefixLength = 4;     // of ordinary text before a vocabulary entry
constexpr int64_t kLaterEntries = 4096;  // that are tried after it: a sample says enough

// An encoder's sinks may be the tokens at either end.
std::vector<int64_t> sink_positions(const spikesink::ModelConfig& config) {
  if (config.causal) return {0};
  return {0, -1};
}

class Finder {
 public:
  Finder(Experiment& experiment, const Options& options, const Sections& sections)
      : experiment_(experiment), options_(options), sections_(sections) {}

  Findings find() {
    read_weights();
    find_spikes_and_sinks();
    look_at_what_was_found();
    probe_vocabulary();
    draw_heads();
    if (sections_.wants("state_picture"))
      found_.picture =
          spikesink::most_extreme_state(experiment_.model, experiment_.batches, *found_.life);
    return std::move(found_);
  }

 private:
  const spikesink::ModelConfig& config() const { return experiment_.model->config(); }

  void run(const std::vector<spikesink::Measurement*>& measurements, const std::string& what) {
    if (measurements.empty()) return;
    spikesink::run(experiment_.model, experiment_.batches, measurements,
                   progress_bar(options_, what));
  }

  void read_weights() {
    if (!sections_.wants_any({"quadratic_form", "vocabulary_probe"})) return;
    try {
      found_.forms = spikesink::quadratic_form(experiment_.model, {},
                                               progress_bar(options_, "reading the weights"));
    } catch (const std::invalid_argument& error) {  // weights whose products overflow
      found_.note = error.what();
    }
  }

  void find_spikes_and_sinks() {
    spikesink::LifeCycle life;
    spikesink::MassiveActivations massive;
    spikesink::SpikeTokens tokens;
    spikesink::AttentionSinks sinks({.keys = sink_positions(config())});
    spikesink::SinksAnywhere anywhere;
    spikesink::Perplexity perplexity;
    std::vector<spikesink::Measurement*> wanted = {&life};
    const auto want = [&](spikesink::Measurement& measurement,
                          std::initializer_list<std::string_view> sections) {
      if (sections_.wants_any(sections)) wanted.push_back(&measurement);
    };
    want(massive, {"massive_activations"});
    want(tokens, {"spike_tokens", "gate_linearity", "sparse_constants"});
    want(sinks, {"attention_sinks", "sink_geometry"});
    want(anywhere, {"sinks_anywhere"});
    if (config().predicts_next()) want(perplexity, {"perplexity"});
    run(wanted, "finding spikes and sinks");
    const auto keep = [&](auto& measurement, auto& result) {
      if (std::find(wanted.begin(), wanted.end(), &measurement) != wanted.end())
        result = measurement.result();
    };
    keep(life, found_.life);
    keep(massive, found_.massive);
    keep(tokens, found_.tokens);
    keep(sinks, found_.sinks);
    keep(anywhere, found_.sinks_anywhere);
    keep(perplexity, found_.perplexity);
    if (found_.life->not_finite() > 0) locate_not_finite();
  }

  void locate_not_finite() {
    spikesink::NotFinite not_finite;
    run({&not_finite}, "locating what is not finite");
    found_.not_finite = not_finite.result();
  }

  void look_at_what_was_found() {
    const auto places = found_.tokens ? found_.tokens->places : spikesink::SpikePlaces();
    spikesink::GateLinearity gates(places);
    spikesink::SparseConstants constants(places);
    spikesink::SelfAttention self_attention(places, {.watched = delimiters()});
    spikesink::QkGeometry geometry({.sinks = {.positions = sink_positions(config())}});
    std::optional<spikesink::FormFit> fit;
    std::vector<spikesink::Measurement*> wanted;
    if (sections_.wants("gate_linearity")) wanted.push_back(&gates);
    if (sections_.wants("sparse_constants")) wanted.push_back(&constants);
    if (sections_.wants("spike_tokens")) wanted.push_back(&self_attention);
    if (sections_.wants("sink_geometry")) wanted.push_back(&geometry);
    if (sections_.wants("quadratic_form") && found_.forms)
      wanted.push_back(&fit.emplace(*found_.forms));
    run(wanted, "looking at what was found");
    if (sections_.wants("gate_linearity")) found_.gates = gates.result();
    if (sections_.wants("sparse_constants")) found_.constants = constants.result();
    if (sections_.wants("spike_tokens")) found_.self_attention = self_attention.result();
    if (sections_.wants("sink_geometry"))
      found_.geometry = spikesink::SinkGeometry{.result = geometry.result()};
    if (fit) found_.fit = fit->result();
  }

  // Tokens of punctuation or line breaks alone.
  std::vector<int64_t> delimiters() const {
    std::vector<int64_t> ids;
    if (!experiment_.tokenizer) return ids;
    const auto entries = std::min(experiment_.tokenizer->vocabulary_size(), config().d_vocabulary);
    for (int64_t id = 0; id < entries; ++id) {
      const auto text = experiment_.tokenizer->token_text(id);
      const bool marks = text.find_first_not_of(" .,;:!?\n") == std::string::npos;
      if (marks && text.find_first_not_of(' ') != std::string::npos) ids.push_back(id);
    }
    return ids;
  }

  void probe_vocabulary() {
    if (!sections_.wants("vocabulary_probe") || found_.life->episodes.empty()) return;
    const auto block = found_.life->episodes.front().first;
    const auto& state = found_.life->blocks[block.number - 1].hidden_state;
    spikesink::VocabularyProbeOptions probe{.spike = state.top.front().magnitude,
                                            .trigger = trigger_of(block)};
    found_.probes.push_back(spikesink::vocabulary_probe(
        experiment_.model, block, probe,
        progress_bar(options_, "every vocabulary entry as first token")));
    const auto& text = experiment_.batches.front().ids;
    const int64_t length = std::min({kPrefixLength, text.size(1), config().context - 1});
    if (length == 0) return;
    for (int64_t position = 0; position < length; ++position)
      probe.prefix.push_back(text[0][position].item<int64_t>());
    const int64_t stride = std::max<int64_t>(1, config().d_vocabulary / kLaterEntries);
    for (int64_t id = 0; id < config().d_vocabulary; id += stride) probe.entries.push_back(id);
    found_.probes.push_back(spikesink::vocabulary_probe(
        experiment_.model, block, probe, progress_bar(options_, "some of them after a prefix")));
  }

  // The largest outlier's of the block, if it has one.
  torch::Tensor trigger_of(spikesink::Block block) const {
    if (!found_.forms) return {};
    for (const auto& forms : found_.forms->blocks) {
      if (forms.block.number == block.number && forms.gated && !forms.outliers.empty())
        return forms.outliers.front().trigger;
    }
    return {};
  }

  void draw_heads() {
    if (!found_.geometry || found_.geometry->result.heads.empty()) return;
    auto& geometry = *found_.geometry;
    for (const auto distance : {spikesink::QkDistance::kEuclidean, spikesink::QkDistance::kCosine})
      geometry.agreements.emplace_back(
          distance, spikesink::compare(geometry.result, *found_.sinks, distance));
    geometry.pictures = spikesink::head_pictures(
        experiment_.model, {experiment_.batches.front()}, *found_.sinks, /*key=*/0,
        {.positions = sink_positions(config())}, progress_bar(options_, "drawing two heads"));
  }

  Experiment& experiment_;
  const Options& options_;
  const Sections& sections_;
  Findings found_;
};

}  // namespace

Findings find(Experiment& experiment, const Options& options, const Sections& sections) {
  return Finder(experiment, options, sections).find();
}

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
  add(findings.perplexity, "perplexity");
  add(findings.picture, "state_picture");
  if (!findings.not_finite.empty()) report.add(findings.not_finite);
}

}  // namespace examples
