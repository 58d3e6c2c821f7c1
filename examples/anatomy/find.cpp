#include <algorithm>
#include <functional>

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

// Punctuation or line breaks alone.
bool is_delimiter(const spikesink::Tokenizer& tokenizer, int64_t id) {
  try {
    const auto text = tokenizer.token_text(id);
    return text.find_first_not_of(" .,;:!?\n") == std::string::npos &&
           text.find_first_not_of(' ') != std::string::npos;
  } catch (const std::invalid_argument&) {  // an id that was given, of no token
    return false;
  }
}

// Measurements of one run, and what is done with their results.
struct Pass {
  std::vector<spikesink::Measurement*> measurements;
  std::vector<std::function<void()>> keepers;

  template <typename Measurement, typename Result>
  void add(Measurement& measurement, Result& result) {
    measurements.push_back(&measurement);
    keepers.push_back([&] { result = measurement.result(); });
  }
};

class Finder {
 public:
  Finder(Experiment& experiment, const Options& options, const Sections& sections)
      : experiment_(experiment), options_(options), sections_(sections) {}

  Findings find() {
    read_weights();
    find_spikes_and_sinks();
    look_at_what_was_found();
    if (!experiment_.is_first()) return std::move(found_);
    probe_vocabulary();
    draw_heads();
    if (sections_.wants("state_picture"))
      found_.picture =
          spikesink::most_extreme_state(experiment_.model, experiment_.batches, *found_.life);
    return std::move(found_);
  }

 private:
  const spikesink::ModelConfig& config() const { return experiment_.model->config(); }

  void run(const Pass& pass, const std::string& what) {
    if (pass.measurements.empty()) return;
    spikesink::run(experiment_.model, experiment_.batches, pass.measurements,
                   progress_bar(options_, what), experiment_.processes.get());
    for (const auto& keep : pass.keepers) keep();
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
    Pass pass;
    pass.add(life, found_.life);
    if (sections_.wants("massive_activations")) pass.add(massive, found_.massive);
    if (sections_.wants_any(
            {"spike_tokens", "gate_linearity", "sparse_constants", "quantisation", "kv_cache"}))
      pass.add(tokens, found_.tokens);
    if (sections_.wants_any({"attention_sinks", "sink_geometry"})) pass.add(sinks, found_.sinks);
    if (sections_.wants_any({"sinks_anywhere", "kv_cache"}))
      pass.add(anywhere, found_.sinks_anywhere);
    if (sections_.wants("perplexity") && config().predicts_next())
      pass.add(perplexity, found_.perplexity);
    run(pass, "finding spikes and sinks");
    if (sections_.wants("kv_cache"))
      found_.cache = spikesink::cache_keep(*found_.sinks_anywhere, *found_.tokens);
    if (found_.life->not_finite() > 0) locate_not_finite();
  }

  void locate_not_finite() {
    spikesink::NotFinite not_finite;
    Pass pass;
    pass.add(not_finite, found_.not_finite);
    run(pass, "locating what is not finite");
  }

  void look_at_what_was_found() {
    const auto places = found_.tokens ? found_.tokens->places : spikesink::SpikePlaces();
    spikesink::GateLinearity gates(places);
    spikesink::SparseConstants constants(places);
    spikesink::SelfAttention self_attention(places, {.watched = delimiters()});
    spikesink::QkGeometry geometry({.sinks = {.positions = sink_positions(config())}});
    spikesink::QuantisationError quantisation(places);
    std::optional<spikesink::FormFit> fit;
    Pass pass;
    if (sections_.wants("gate_linearity")) pass.add(gates, found_.gates);
    if (sections_.wants("sparse_constants")) pass.add(constants, found_.constants);
    if (sections_.wants("spike_tokens")) pass.add(self_attention, found_.self_attention);
    if (sections_.wants("sink_geometry")) pass.add(geometry, found_.geometry.emplace().result);
    if (sections_.wants("quantisation")) pass.add(quantisation, found_.quantisation);
    if (sections_.wants("quadratic_form") && found_.forms)
      pass.add(fit.emplace(*found_.forms), found_.fit);
    run(pass, "looking at what was found");
  }

  std::vector<int64_t> delimiters() const {
    std::vector<int64_t> ids;
    if (!experiment_.tokenizer || !found_.tokens) return ids;
    for (const auto& token : found_.tokens->by_token) {
      if (is_delimiter(*experiment_.tokenizer, token.id)) ids.push_back(token.id);
    }
    return ids;
  }

  void probe_vocabulary() {
    if (!sections_.wants("vocabulary_probe")) return;
    const auto birth = found_.life->birth();
    if (!birth) return;
    const auto block = *birth;
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
          distance,
          spikesink::compare(geometry.result, *found_.sinks, distance, sink_positions(config())));
    geometry.pictures = spikesink::head_pictures(
        experiment_.model, {experiment_.batches.front()}, *found_.sinks,
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

}  // namespace examples
